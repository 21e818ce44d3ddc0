"""How many objects a set of proposals covers.

Each object gets at most one box and each box at most one object: of all pairs left, the one of
highest IoU is matched first. Difficult objects don't count.
Source: FACTS §4.3, recall tool; average recall over IoU 0.5, 0.55 … 0.95.
"""

from collections.abc import Sequence

import numpy as np

from frcn.boxes import iou
from frcn.data.voc import Annotation

AVERAGED_THRESHOLDS = np.arange(10, 20) / 20


def recall(
    boxes_per_image: Sequence[np.ndarray],
    annotations: Sequence[Annotation],
    threshold: float,
    count: int | None = None,
) -> float:
    """Share of objects that the first ``count`` (R, 4) boxes of their image cover.

    An object is covered by an IoU of at least ``threshold``. A fraction; NaN without objects.
    """
    return share_covered(best_overlaps(boxes_per_image, annotations, count), threshold)


def average_recall(
    boxes_per_image: Sequence[np.ndarray],
    annotations: Sequence[Annotation],
    count: int | None = None,
) -> float:
    """Mean of ``recall`` over the IoU thresholds 0.5, 0.55 … 0.95."""
    return mean_recall(best_overlaps(boxes_per_image, annotations, count))


def coverage(
    boxes_per_image: Sequence[np.ndarray], annotations: Sequence[Annotation]
) -> dict[str, float | None]:
    """What a cell's proposals cover, as score.json keeps it.

    Recalls are in percent, None without an object.
    """
    overlaps = best_overlaps(boxes_per_image, annotations)
    return {
        "proposals_per_image": sum(map(len, boxes_per_image)) / max(len(boxes_per_image), 1),
        "recall_50": 100 * share_covered(overlaps, 0.5) if len(overlaps) else None,
        "average_recall": 100 * mean_recall(overlaps) if len(overlaps) else None,
    }


def best_overlaps(
    boxes_per_image: Sequence[np.ndarray],
    annotations: Sequence[Annotation],
    count: int | None = None,
) -> np.ndarray:
    """IoU of each object that counts with the box matched to it, 0 where none is: float64."""
    matched = [
        match_greedily(boxes[:count], annotation.boxes[~annotation.difficult])
        for boxes, annotation in zip(boxes_per_image, annotations, strict=True)
    ]
    return np.concatenate([np.zeros(0), *matched])


def match_greedily(boxes: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """Match (R, 4) boxes one to one with (G, 4) objects: (G,) IoU, 0 for the unmatched."""
    overlaps = np.zeros(len(objects))
    left = iou(objects, boxes)
    for _ in range(min(left.shape)):
        # The first of equals is the lowest object, then the best-ranked box.
        thing, box = np.unravel_index(left.argmax(), left.shape)
        overlaps[thing] = left[thing, box]
        left[thing, :] = -1
        left[:, box] = -1
    return overlaps


def share_covered(overlaps: np.ndarray, threshold: float) -> float:
    """Share of ``best_overlaps`` that reach a threshold; NaN when there are none."""
    return float((overlaps >= threshold).mean()) if len(overlaps) else float("nan")


def mean_recall(overlaps: np.ndarray) -> float:
    """Mean of ``share_covered`` over the averaged thresholds."""
    return float(np.mean([share_covered(overlaps, t) for t in AVERAGED_THRESHOLDS]))
