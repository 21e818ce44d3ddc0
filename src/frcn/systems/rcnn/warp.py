"""R-CNN's warped regions: any box becomes a square of one size (FACTS §2.2).

A box grows so that the warped square has ``CONTEXT`` pixels of its surroundings on each side.
What lies outside the picture is the mean colour, which is 0 after normalisation.
"""

from collections.abc import Sequence

import cv2
import numpy as np

CONTEXT = 16
"""Pixels of context on each side of the warped square, at the size of 224 or 227."""


def context_of(size: int) -> int:
    """Pixels of context on each side of a square of ``size``: 16 of 224, in proportion below."""
    return min(CONTEXT, round(CONTEXT * size / 224))


def warp_regions(
    image: np.ndarray, boxes: np.ndarray, size: int, mean: Sequence[float], std: Sequence[float]
) -> np.ndarray:
    """Warp (R, 4) boxes of an (H, W, 3) uint8 BGR image into (R, size, size, 3) float32.

    Pixels are resized bilinearly and then normalised, as in the original's training layer.
    """
    warped = np.zeros((len(boxes), size, size, 3), dtype=np.float32)
    for out, window in zip(warped, windows_of(boxes, image.shape[:2], size), strict=True):
        x1, y1, x2, y2, left, top, width, height = window
        part = cv2.resize(image[y1 : y2 + 1, x1 : x2 + 1], (width, height))
        target = out[top : top + height, left : left + width]
        np.subtract(part, np.float32(mean), out=target)
        target /= np.float32(std)
    return warped


def windows_of(boxes: np.ndarray, image_size: tuple[int, int], size: int) -> np.ndarray:
    """What part of the picture goes where in the square.

    Returns:
        (R, 8) int64: ``x1 y1 x2 y2``, the box with its context, clipped to the (H, W) picture;
        ``left top width height``, its place in the square.
    """
    height, width = image_size
    # The original's rounding is of 1-based corners.
    first, last = np.asarray(boxes[:, :2], np.float64) + 1, np.asarray(boxes[:, 2:], np.float64) + 1
    half = (last - first + 1) / 2
    centre = first + half
    grown = half * size / (size - 2 * context_of(size))
    lower, upper = _round(centre - grown), _round(centre + grown)
    scale = size / (upper - lower + 1)
    inner_lower = np.maximum(lower, 1)
    inner_upper = np.minimum(upper, [width, height])
    place = np.minimum(_round((inner_lower - lower) * scale), size - 1).astype(np.int64)
    extent = _round((inner_upper - inner_lower + 1) * scale).astype(np.int64)
    # A tiny box may round to nothing; what rounding pushes over the edge is cut off.
    extent = np.maximum(np.minimum(extent, size - place), 1)
    corners = np.concatenate([inner_lower, inner_upper], axis=1).astype(np.int64) - 1
    return np.concatenate([corners, place, extent], axis=1)


def _round(values: np.ndarray) -> np.ndarray:
    """Half away from zero, as MATLAB and C round."""
    return np.copysign(np.floor(np.abs(values) + 0.5), values)
