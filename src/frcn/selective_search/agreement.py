"""Agreement order: first what many hierarchies find, and not yet like what stands before it.

Letters: M regions of a hierarchy, R boxes, no two alike.
Not of the paper: an option for those who look at a few hundred boxes only.
"""

from collections.abc import Sequence

import numba
import numpy as np

from frcn.boxes import first_rows, sides_at_least

DIVERSIFIED = 300
"""Boxes chosen one by one; the others keep the order of their scores, for the time's sake."""


def agreement_order(hierarchies: Sequence[np.ndarray], min_side: int) -> np.ndarray:
    """The (M, 4) boxes of all hierarchies in one (R, 4) array, best first, without chance.

    A box's support is the sum over the hierarchies of the highest IoU with one of their boxes;
    its score is the square of that, divided by the fourth root of its best position from the
    top of a hierarchy (1 is the whole image). An object that stands out is found again in
    another colour space or at another k, a chance merge is not. As supported boxes come in
    bunches, the highest score is taken and all others are multiplied by 1 - IoU⁴ with it, again
    and again.

    Boxes with a side below ``min_side`` pixels are left out, and support none.
    """
    boxes = np.concatenate(hierarchies)
    positions = np.concatenate([np.arange(len(each), 0, -1) for each in hierarchies])
    # Stable by position: a box's first row is then the one nearest to the top.
    nearest = np.argsort(positions, kind="stable")
    boxes, positions = boxes[nearest], positions[nearest]
    rows = first_rows(boxes)
    rows = rows[sides_at_least(boxes[rows], min_side)]
    corners = _columns(boxes[rows])
    support = np.zeros(len(rows), np.float32)
    for each in hierarchies:
        support += _highest_iou(corners, _columns(each[sides_at_least(each, min_side)]))
    scores = support * support / np.sqrt(np.sqrt(positions[rows])).astype(np.float32)
    return boxes[rows][_diversified(corners, scores, DIVERSIFIED)]


def _columns(boxes: np.ndarray) -> np.ndarray:
    """(R, 4) boxes as (4, R) float32 with exclusive x2 and y2: eight fit one instruction."""
    return np.ascontiguousarray(boxes.T + np.array([[0], [0], [1], [1]]), np.float32)


@numba.njit(cache=True, inline="always")
def _iou(a: np.ndarray, i: int, b: np.ndarray, j: int) -> np.float32:
    """Of column i of a and column j of b, without branches."""
    zero = np.float32(0)
    width = max(min(a[2, i], b[2, j]) - max(a[0, i], b[0, j]), zero)
    height = max(min(a[3, i], b[3, j]) - max(a[1, i], b[1, j]), zero)
    both = width * height
    one = (a[2, i] - a[0, i]) * (a[3, i] - a[1, i])
    other = (b[2, j] - b[0, j]) * (b[3, j] - b[1, j])
    return both / (one + other - both)


# Only what lets `max` be vectorised: there is no NaN, and no sum is taken in another order.
@numba.njit(cache=True, fastmath={"nnan", "nsz"}, error_model="numpy")
def _highest_iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(R,) float32: of (4, R) boxes, the highest IoU with one of (4, M) others, or 0."""
    highest = np.zeros(boxes.shape[1], np.float32)
    for j in range(others.shape[1]):
        for i in range(len(highest)):
            highest[i] = max(highest[i], _iou(boxes, i, others, j))
    return highest


@numba.njit(cache=True, fastmath={"nnan", "nsz"}, error_model="numpy")
def _diversified(boxes: np.ndarray, scores: np.ndarray, count: int) -> np.ndarray:
    """The (R,) order of (4, R) boxes; the first ``count`` are chosen one by one.

    Of equal scores the first goes first. ``scores`` is used up.
    """
    n_chosen = min(count, len(scores))
    chosen = np.empty(n_chosen, np.int64)
    for place in range(n_chosen):
        best = np.argmax(scores)
        chosen[place] = best
        for i in range(len(scores)):
            overlap = _iou(boxes, i, boxes, best)
            square = overlap * overlap
            scores[i] *= np.float32(1) - square * square
        # Below all others, which may have come down to 0.
        for i in range(place + 1):
            scores[chosen[i]] = -1
    others = np.argsort(-scores, kind="mergesort")[: len(scores) - n_chosen]
    return np.concatenate((chosen, others))
