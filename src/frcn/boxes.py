"""The one place for box arithmetic and its conventions.

Boxes are ``x1 y1 x2 y2``, 0-based, with *inclusive* corners: a box of one pixel has
``x1 == x2``. Two conventions for width live side by side in the original, and both matter:
overlaps, areas and NMS use ``x2 - x1 + 1``; the regression targets use ``x2 - x1 + EPS``.

Letters: R boxes, G ground-truth boxes, C classes.
Source: FACTS §1.12, the table of "+1" conventions.
"""

import numpy as np

EPS = 1e-14
"""Added to widths and heights when targets are encoded and decoded (FACTS §1.1)."""


def areas(boxes: np.ndarray) -> np.ndarray:
    """Areas in pixels of (R, 4) inclusive boxes, as (R,) float64."""
    boxes = np.asarray(boxes, dtype=np.float64)
    return (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)


def sides_at_least(boxes: np.ndarray, min_side: int) -> np.ndarray:
    """(R,) bool, which of (R, 4) inclusive boxes are ``min_side`` pixels or more wide and high."""
    return (boxes[:, 2:] - boxes[:, :2] + 1 >= min_side).all(axis=1)


def first_rows(boxes: np.ndarray) -> np.ndarray:
    """The rows of (R, 4) whole, non-negative boxes that are not above already, ascending."""
    # One integer per box: np.unique over rows is many times slower.
    side = int(boxes.max(initial=0)) + 1
    x1, y1, x2, y2 = boxes.astype(np.int64).T
    _, first = np.unique(((x1 * side + y1) * side + x2) * side + y2, return_index=True)
    return np.sort(first)


def without_duplicates(boxes: np.ndarray) -> np.ndarray:
    """Of (R, 4) whole, non-negative boxes each one's first row only."""
    return boxes[first_rows(boxes)]


def iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of (R, 4) with (G, 4) inclusive boxes, as (R, G) float64."""
    boxes = np.asarray(boxes, dtype=np.float64)
    others = np.asarray(others, dtype=np.float64)
    intersection = _shared(boxes[:, 0::2], others[:, 0::2])
    intersection *= _shared(boxes[:, 1::2], others[:, 1::2])
    union = areas(boxes)[:, None] + areas(others)[None, :] - intersection
    return np.divide(intersection, union, out=intersection)


def _shared(spans: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Pixels that (R, 2) inclusive spans share with (G, 2) others, as (R, G) float64."""
    # In place: between thousands of boxes the time goes into memory.
    shared = np.minimum(spans[:, None, 1], others[None, :, 1])
    shared -= np.maximum(spans[:, None, 0], others[None, :, 0])
    shared += 1
    return np.maximum(shared, 0, out=shared)


def encode(boxes: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Regression targets ``dx dy dw dh`` that move (R, 4) boxes onto (R, 4) targets.

    Returns (R, 4) float64. Source: paper §2.3 refers to R-CNN; widths without +1, FACTS §1.7.
    """
    width, height, x, y = _centre_form(np.asarray(boxes, dtype=np.float64))
    target_width, target_height, target_x, target_y = _centre_form(
        np.asarray(targets, dtype=np.float64)
    )
    return np.stack(
        [
            (target_x - x) / width,
            (target_y - y) / height,
            np.log(target_width / width),
            np.log(target_height / height),
        ],
        axis=1,
    )


def _centre_form(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    width = boxes[:, 2] - boxes[:, 0] + EPS
    height = boxes[:, 3] - boxes[:, 1] + EPS
    return width, height, boxes[:, 0] + 0.5 * width, boxes[:, 1] + 0.5 * height


def decode(boxes: np.ndarray, deltas: np.ndarray) -> np.ndarray:
    """Boxes that class-major ``deltas`` (R, 4·C) predict from ``boxes`` (R, 4).

    Returns (R, 4·C) float64, not clipped. Sizes are not clamped, as in the original
    (FACTS §1.8 step 5).
    """
    width, height, x, y = (
        part[:, None] for part in _centre_form(np.asarray(boxes, dtype=np.float64))
    )
    deltas = np.asarray(deltas, dtype=np.float64)
    new_x = deltas[:, 0::4] * width + x
    new_y = deltas[:, 1::4] * height + y
    half_width = 0.5 * np.exp(deltas[:, 2::4]) * width
    half_height = 0.5 * np.exp(deltas[:, 3::4]) * height
    decoded = np.empty_like(deltas)
    decoded[:, 0::4] = new_x - half_width
    decoded[:, 1::4] = new_y - half_height
    decoded[:, 2::4] = new_x + half_width
    decoded[:, 3::4] = new_y + half_height
    return decoded


def clip(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """(R, 4·C) boxes clipped to an image: x1, y1 from below, x2, y2 from above.

    The one-sided clip is the original's (FACTS §1.8 step 5); a box wholly outside stays
    inverted there and here, and scores no overlap.
    """
    clipped = np.array(boxes, dtype=np.float64)
    clipped[:, 0::4] = np.maximum(clipped[:, 0::4], 0)
    clipped[:, 1::4] = np.maximum(clipped[:, 1::4], 0)
    clipped[:, 2::4] = np.minimum(clipped[:, 2::4], width - 1)
    clipped[:, 3::4] = np.minimum(clipped[:, 3::4], height - 1)
    return clipped


def flip(boxes: np.ndarray, width: int) -> np.ndarray:
    """(R, 4) boxes mirrored left to right in an image ``width`` pixels wide."""
    flipped = np.array(boxes)
    flipped[:, 0] = width - 1 - boxes[:, 2]
    flipped[:, 2] = width - 1 - boxes[:, 0]
    return flipped
