"""The texture of each pixel: Gaussian derivatives in eight orientations per channel.

The derivative in one direction is minus that in the opposite one, so four signed responses hold
all eight orientations.

Letters: H × W pixels, C channels.
Source: Uijlings et al., IJCV 2013, §3.2.
"""

import cv2
import numba
import numpy as np

from frcn.selective_search.smoothing import gaussian_kernel

AXES = 4
"""0°, 45°, 90° and 135°; each stands for two opposite orientations."""
LEVELS = 10
"""Bins of one orientation's histogram."""
DERIVATIVE_SIGMA = 0.92
LARGEST_RESPONSE = 0.425 * 255
"""The upper end of the histograms. With ``DERIVATIVE_SIGMA`` it was fitted to the published
boxes of VOC 2007's image 001551 (FACTS §12)."""


def derivatives(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian derivatives of an (H, W, C) float32 image along x and y, of the same shape."""
    gaussian = gaussian_kernel(DERIVATIVE_SIGMA)
    offset = np.arange(len(gaussian)) - len(gaussian) // 2
    smooth = gaussian.astype(np.float32)
    derivative = (gaussian * offset / DERIVATIVE_SIGMA**2).astype(np.float32)
    along_x = cv2.sepFilter2D(image, -1, derivative, smooth, borderType=cv2.BORDER_REPLICATE)
    along_y = cv2.sepFilter2D(image, -1, smooth, derivative, borderType=cv2.BORDER_REPLICATE)
    return along_x.reshape(image.shape), along_y.reshape(image.shape)


@numba.njit(cache=True)
def axis_responses(along_x: np.float32, along_y: np.float32, axis: int) -> np.float32:
    """A pixel's response along one of the ``AXES``, from its two derivatives."""
    if axis == 0:
        return along_x
    if axis == 2:
        return along_y
    sign = np.float32(1 if axis == 1 else -1)
    return (along_y + sign * along_x) * np.float32(np.sqrt(0.5))


@numba.njit(cache=True)
def level(response: np.float32) -> np.uint8:
    """The level of a signed response: 0 … 9 towards its axis, 10 … 19 against it."""
    steps = min(abs(response) * np.float32(LEVELS / LARGEST_RESPONSE), np.float32(LEVELS - 1))
    return np.uint8(steps + (np.float32(0) if response >= 0 else np.float32(LEVELS)))
