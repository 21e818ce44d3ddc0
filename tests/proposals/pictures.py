"""A picture with one thing in it that every method ought to find."""

import cv2
import numpy as np


def picture(seed=0, size=(90, 120), rectangle=(30, 20, 79, 59), greys=(0, 120)):
    """(H, W, 3) uint8: clutter of ``greys`` with a bright rectangle, inclusive ``x1 y1 x2 y2``."""
    rng = np.random.default_rng(seed)
    clutter = rng.integers(*greys, (size[0] // 10, size[1] // 10, 3), dtype=np.uint8)
    image = cv2.resize(clutter, size[::-1], interpolation=cv2.INTER_NEAREST)
    x1, y1, x2, y2 = rectangle
    image[y1 : y2 + 1, x1 : x2 + 1] = (40, 200, 250)
    return image
