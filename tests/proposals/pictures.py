"""A picture with one thing in it that every method ought to find."""

import cv2
import numpy as np


def picture(seed=0, size=(90, 120)):
    """Smooth clutter with one bright rectangle, 0-based corners 30 20 79 59."""
    rng = np.random.default_rng(seed)
    clutter = rng.integers(0, 120, (size[0] // 10, size[1] // 10, 3), dtype=np.uint8)
    image = cv2.resize(clutter, size[::-1], interpolation=cv2.INTER_NEAREST)
    image[20:60, 30:80] = (40, 200, 250)
    return image
