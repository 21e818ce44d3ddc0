"""The Gaussian that precedes the segmentation."""

import cv2
import numpy as np


def gaussian_kernel(sigma: float) -> np.ndarray:
    """(2·⌈4σ⌉ + 1,) float64 samples of a Gaussian of σ pixels, summing to 1.

    Four standard deviations on each side, as in Felzenszwalb and Huttenlocher's system.
    """
    radius = int(np.ceil(4 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return kernel / kernel.sum()


def smooth(image: np.ndarray, sigma: float) -> np.ndarray:
    """An (H, W, C) float32 image blurred with σ pixels; border pixels are repeated outside."""
    if sigma == 0:
        return image
    kernel = gaussian_kernel(sigma).astype(np.float32)
    smoothed = cv2.sepFilter2D(image, -1, kernel, kernel, borderType=cv2.BORDER_REPLICATE)
    return smoothed.reshape(image.shape)
