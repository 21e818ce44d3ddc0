"""How alike two regions are: four measures in [0, 1], whose sum decides which pair merges.

Source: Uijlings et al., IJCV 2013, §3.2.
"""

import numba
import numpy as np

FIXED_POINT = 1 << 22
"""What the bins of a histogram sum to in fixed point. With integers the sum of an intersection
does not depend on its order, so the compiler may vectorise it and every machine gets the same."""


@numba.njit(cache=True)
def fixed_point_shares(counts: np.ndarray, out: np.ndarray) -> None:
    """Write what share of all pixels each bin of (B,) int32 ``counts`` has, rounded down."""
    scale = np.float32(FIXED_POINT / max(counts.sum(), 1))
    for i in range(len(counts)):
        out[i] = np.int32(counts[i] * scale)


@numba.njit(cache=True)
def histogram_intersection(a: np.ndarray, b: np.ndarray) -> float:
    """Shared mass of two (B,) int32 fixed-point histograms: the colour and texture similarity."""
    shared = np.int32(0)
    for i in range(len(a)):
        shared += min(a[i], b[i])
    return shared / FIXED_POINT


@numba.njit(cache=True)
def size_similarity(size_a: int, size_b: int, image_size: int) -> float:
    """The share of the image outside both regions, so that small ones merge early."""
    return 1 - (size_a + size_b) / image_size


@numba.njit(cache=True)
def fill_similarity(
    size_a: int, size_b: int, box_a: np.ndarray, box_b: np.ndarray, image_size: int
) -> float:
    """One less the share of the image that the box of both encloses, but neither covers."""
    width = max(box_a[2], box_b[2]) - min(box_a[0], box_b[0]) + 1
    height = max(box_a[3], box_b[3]) - min(box_a[1], box_b[1]) + 1
    return 1 - (np.int64(width) * np.int64(height) - size_a - size_b) / image_size
