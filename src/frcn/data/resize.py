"""Pictures scaled as the original does, by a factor that is the same for both sides."""

import cv2
import numpy as np


def resized(image: np.ndarray, scale: float, interpolation: int) -> np.ndarray:
    """An (H, W, 3) picture with both sides scaled, and the short side of a thin one a pixel."""
    if min(image.shape[:2]) * scale < 1:
        height, width = (max(1, round(side * scale)) for side in image.shape[:2])
        return cv2.resize(image, (width, height), interpolation=interpolation)
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=interpolation)
