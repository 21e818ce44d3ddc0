"""Greedy non-maximum suppression of inclusive boxes (FACTS §1.8 step 8)."""

import numba
import numpy as np


def nms(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Suppress of (R, 4) inclusive boxes what overlaps a better one by (R,) scores.

    Arithmetic is float32 and an IoU equal to the threshold suppresses, as in the original's
    compiled version; of equal scores the earlier box wins.

    Returns:
        The indices kept, best first, as int64.
    """
    scores = np.asarray(scores, dtype=np.float32)
    order = np.argsort(-scores, kind="stable")
    ranked = np.ascontiguousarray(np.asarray(boxes, dtype=np.float32)[order])
    return order[_survivors(ranked, np.float32(threshold))]


def batched_nms(
    boxes: np.ndarray, scores: np.ndarray, groups: np.ndarray, threshold: float
) -> np.ndarray:
    """:func:`nms` within each group of equal (R,) integers: the indices kept, ascending int64."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    kept = [rows[nms(boxes[rows], scores[rows], threshold)] for rows in np.split(order, starts)]
    return np.sort(np.concatenate(kept))


@numba.njit(cache=True)
def _survivors(ranked: np.ndarray, threshold: np.float32) -> np.ndarray:
    """(R,) bool: which of (R, 4) float32 boxes, best first, no better survivor suppresses."""
    one = np.float32(1)
    areas = (ranked[:, 2] - ranked[:, 0] + one) * (ranked[:, 3] - ranked[:, 1] + one)
    alive = np.ones(len(ranked), dtype=np.bool_)
    for i in range(len(ranked)):
        if not alive[i]:
            continue
        for j in range(i + 1, len(ranked)):
            if not alive[j]:
                continue
            width = min(ranked[i, 2], ranked[j, 2]) - max(ranked[i, 0], ranked[j, 0]) + one
            height = min(ranked[i, 3], ranked[j, 3]) - max(ranked[i, 1], ranked[j, 1]) + one
            if width > 0 and height > 0:
                shared = width * height
                if shared / (areas[i] + areas[j] - shared) >= threshold:
                    alive[j] = False
    return alive
