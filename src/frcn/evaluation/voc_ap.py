"""Matching of detections to objects, precision and recall, and the two average precisions.

Semantics of the MATLAB devkit (FACTS §4.1): widths with +1, a match needs IoU >= min_overlap,
each detection is held against the one object of its class that it overlaps most, difficult
objects are neither found nor missed. Each layer can be called alone:
``match`` -> ``precision_recall`` -> ``average_precision_11pt`` / ``average_precision_area``.

Letters: N images, K classes, D detections of a class, best first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from frcn.boxes import iou
from frcn.data.voc import Annotation, VOCDataset
from frcn.errors import UserError

MIN_OVERLAP = 0.5
"""IoU from which a detection matches an object."""

RECALL_LEVELS = np.arange(11) / 10
"""0, 0.1, …, 1.

Each is the double nearest to k/10, and so is a recall TP/npos that equals k/10, because a
division rounds correctly: the comparison ``recall >= level`` is then exact. ``arange(0, 1.1,
0.1)`` would give 0.30000000000000004 and miss a recall of exactly 3/10.
"""


@dataclass(frozen=True)
class ClassMatches:
    """All detections of one class, by descending score; equal scores in the order of the rows.

    Attributes:
        image: (D,) int64, index of the image in the data set.
        score: (D,) float64.
        boxes: (D, 4) float64, 0-based inclusive.
        overlap: (D,) float64, the largest IoU with an object of the class, difficult ones
            included; -1 where the image has none.
        tp: (D,) bool, the first detection that claims an object.
        duplicate: (D,) bool, a later one that claims the same object: a false positive.
        ignored: (D,) bool, matches a difficult object: neither a true nor a false positive.
        n_positives: (N,) int64, objects of the class in each image that aren't difficult.
    """

    image: np.ndarray
    score: np.ndarray
    boxes: np.ndarray
    overlap: np.ndarray
    tp: np.ndarray
    duplicate: np.ndarray
    ignored: np.ndarray
    n_positives: np.ndarray

    @property
    def fp(self) -> np.ndarray:
        """(D,) bool, false positives, duplicates among them."""
        return ~self.tp & ~self.ignored

    @property
    def n_objects(self) -> int:
        """Objects of the class that aren't difficult, over all images."""
        return int(self.n_positives.sum())

    def precision_recall(self) -> tuple[np.ndarray, np.ndarray]:
        """Recall and precision after each detection, see :func:`precision_recall`."""
        return precision_recall(self.tp, self.fp, self.n_objects)


@dataclass(frozen=True)
class Evaluation:
    """Average precisions in percent, None for a class without any object that isn't difficult."""

    matches: dict[str, ClassMatches]
    ap: dict[str, float | None]
    ap_area: dict[str, float | None]
    n_images: int

    @property
    def n_objects(self) -> int:
        """Objects of all classes that aren't difficult."""
        return sum(matches.n_objects for matches in self.matches.values())

    @property
    def map_11pt(self) -> float | None:
        """Mean of the 11-point APs over the classes that have objects; None if none has."""
        return _mean(self.ap)

    @property
    def map_area(self) -> float | None:
        """Mean of the area APs over the classes that have objects; None if none has."""
        return _mean(self.ap_area)


def evaluate(
    detections: pd.DataFrame,
    dataset: VOCDataset,
    min_overlap: float = MIN_OVERLAP,
    classes: Sequence[str] | None = None,
) -> Evaluation:
    """Both average precisions of each class.

    Args:
        detections: columns image_id, class, score, x1, y1, x2, y2 (0-based inclusive), after NMS.
        dataset: the images and classes to score on.
        min_overlap: IoU from which a detection matches.
        classes: the classes to score; by default all of the data set's.

    Raises:
        UserError: an unknown image or class, or a value that isn't finite.
    """
    matches = match(detections, dataset, min_overlap)
    if classes is not None:
        matches = {name: matches[name] for name in classes}
    ap: dict[str, float | None] = dict.fromkeys(matches)
    ap_area: dict[str, float | None] = dict.fromkeys(matches)
    for name, of_class in matches.items():
        if of_class.n_objects:
            recall, precision = of_class.precision_recall()
            ap[name] = 100 * average_precision_11pt(recall, precision)
            ap_area[name] = 100 * average_precision_area(recall, precision)
    return Evaluation(matches, ap, ap_area, len(dataset))


def match(
    detections: pd.DataFrame, dataset: VOCDataset, min_overlap: float = MIN_OVERLAP
) -> dict[str, ClassMatches]:
    """Match the detections of each class; arguments and errors as :func:`evaluate`."""
    annotations = [dataset.annotation(i) for i in range(len(dataset))]
    image, label, score, boxes = _columns(detections, dataset)
    best_first = np.argsort(-score, kind="stable")
    image, label, score, boxes = (column[best_first] for column in (image, label, score, boxes))
    overlap, best_object = _best_objects(image, label, boxes, annotations)
    matched = (overlap > 0) & (overlap >= min_overlap)
    difficult = np.concatenate([np.zeros(0, bool), *(a.difficult for a in annotations)])
    ignored = np.zeros(len(matched), bool)
    ignored[matched] = difficult[best_object[matched]]
    claims = np.flatnonzero(matched & ~ignored)
    _, first = np.unique(best_object[claims], return_index=True)
    tp = np.zeros(len(matched), bool)
    tp[claims[first]] = True
    duplicate = matched & ~ignored & ~tp
    matches = {}
    for k, name in enumerate(dataset.classes, start=1):
        rows = np.flatnonzero(label == k)
        matches[name] = ClassMatches(
            *(column[rows] for column in (image, score, boxes, overlap, tp, duplicate, ignored)),
            n_positives=_count_positives(annotations, k),
        )
    return matches


def precision_recall(
    tp: np.ndarray, fp: np.ndarray, n_positives: int
) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision after each detection, two (D,) float64 arrays of fractions.

    Before the first detection that counts, precision is 0 (in MATLAB 0/0, which its ``max``
    passes over: the same APs).

    Args:
        tp: (D,) bool, true positives, best first.
        fp: (D,) bool, false positives; a detection that is neither is ignored.
        n_positives: objects to be found; recall is undefined without any.

    Raises:
        ValueError: ``n_positives`` is 0.
    """
    if n_positives <= 0:
        raise ValueError("recall is undefined without an object to be found")
    true = np.cumsum(tp)
    counted = true + np.cumsum(fp)
    return true / n_positives, true / np.maximum(counted, 1)


def average_precision_11pt(recall: np.ndarray, precision: np.ndarray) -> float:
    """VOC07's AP, a fraction: the mean over 11 recall levels of the best precision from there on.

    Args:
        recall: (D,) fractions, not decreasing.
        precision: (D,) fractions.
    """
    reached = np.searchsorted(recall, RECALL_LEVELS, side="left")
    return float(np.append(_envelope(precision), 0.0)[reached].mean())


def average_precision_area(recall: np.ndarray, precision: np.ndarray) -> float:
    """Area under the monotone envelope of the curve, a fraction; arguments as the 11-point AP.

    The metric of VOC from 2010 on, which FACTS §4.1 calls xVOCap.
    """
    return float(np.sum(np.diff(recall, prepend=0.0) * _envelope(precision)))


def _envelope(precision: np.ndarray) -> np.ndarray:
    """The best precision at this recall or a higher one."""
    return np.maximum.accumulate(precision[::-1])[::-1]


def _mean(ap: dict[str, float | None]) -> float | None:
    defined = [value for value in ap.values() if value is not None]
    return float(np.mean(defined)) if defined else None


def _count_positives(annotations: Sequence[Annotation], label: int) -> np.ndarray:
    return np.array(
        [np.count_nonzero((a.labels == label) & ~a.difficult) for a in annotations], dtype=np.int64
    )


def _columns(
    detections: pd.DataFrame, dataset: VOCDataset
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Image indices, labels 1..K, scores and boxes of the rows, checked."""
    where = f"detections on {dataset.image_set}"
    if len(set(dataset.ids)) < len(dataset):
        raise UserError(f"{dataset.root}: image set {dataset.image_set!r} lists an id twice.")
    image = pd.Index(dataset.ids).get_indexer(detections["image_id"])
    label = pd.Index(dataset.classes).get_indexer(detections["class"]) + 1
    score = detections["score"].to_numpy(np.float64)
    boxes = detections[["x1", "y1", "x2", "y2"]].to_numpy(np.float64)
    if (image < 0).any():
        found = detections["image_id"].iloc[int(np.argmin(image))]
        raise UserError(
            f"{where}: image {found!r} isn't in the set {dataset.image_set!r} "
            f"({len(dataset)} images). Score on the set that was detected on."
        )
    if (label < 1).any():
        found = detections["class"].iloc[int(np.argmin(label))]
        raise UserError(
            f"{where}: class {found!r} isn't one of {list(dataset.classes)}. "
            "Score with the classes that were detected."
        )
    finite = np.isfinite(score) & np.isfinite(boxes).all(axis=1)
    if not finite.all():
        raise UserError(
            f"{where}: row {int(np.argmin(finite))} has a score or corner that isn't finite; "
            "wanted numbers. Did the training diverge?"
        )
    return image, label, score, boxes


def _best_objects(
    image: np.ndarray, label: np.ndarray, boxes: np.ndarray, annotations: Sequence[Annotation]
) -> tuple[np.ndarray, np.ndarray]:
    """For each detection the largest IoU with an object of its class, and which object that is.

    Objects are numbered through all images; the first wins among equals, as in MATLAB. Where
    an image has no object of the class, the IoU is -1 and the number means nothing.
    """
    overlap = np.full(len(image), -1.0)
    best_object = np.full(len(image), -1, dtype=np.int64)
    by_image = np.argsort(image, kind="stable")
    bounds = np.searchsorted(image[by_image], np.arange(len(annotations) + 1))
    n_before = 0
    for i, annotation in enumerate(annotations):
        rows = by_image[bounds[i] : bounds[i + 1]]
        if len(rows) and len(annotation.labels):
            overlaps = iou(boxes[rows], annotation.boxes)
            overlaps[label[rows, None] != annotation.labels[None, :]] = -1
            best = overlaps.argmax(axis=1)
            overlap[rows] = overlaps[np.arange(len(rows)), best]
            best_object[rows] = n_before + best
        n_before += len(annotation.labels)
    return overlap, best_object
