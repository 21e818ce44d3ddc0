"""What the most confident detections of each class are, and how many objects none of them found.

A class with N objects is judged by its N best detections, which a perfect detector would have
all correct. The kinds are those of Hoiem, Chodpathumwan and Dai, "Diagnosing Error in Object
Detectors" (ECCV 2012, §2), but for duplicates, which they count as badly localised: each detection
is of the first kind in this list that fits.

| kind | the detection |
|---|---|
| correct | is a true positive |
| duplicate | matches an object that a better detection has claimed |
| localisation | overlaps an object of its class by less than a match, IoU >= 0.1 |
| similar | overlaps an object of a similar class, IoU >= 0.1 |
| other | overlaps an object of any other class, IoU >= 0.1 |
| background | is none of these |
"""

from collections.abc import Collection, Mapping

import numpy as np

from frcn.boxes import iou
from frcn.data.voc import VOCDataset
from frcn.evaluation.voc_ap import ClassMatches

KINDS = ("correct", "localisation", "similar", "other", "background", "duplicate")
TOUCHES = 0.1
"""IoU from which a detection has to do with an object."""


def error_breakdown(
    matches: Mapping[str, ClassMatches],
    dataset: VOCDataset,
    similar: Mapping[str, Collection[str]] | None = None,
) -> dict[str, dict[str, int]]:
    """Counts per class: the kinds above, and ``missed``, the objects that no detection matched.

    Detections that match a difficult object don't count, nor among the N best; every other
    overlap is taken with difficult objects too. ``missed`` looks at all detections.

    Args:
        matches: of each class, from :func:`frcn.evaluation.voc_ap.match`.
        dataset: the data set that was matched with.
        similar: for each class the classes that count as similar; none by default, which
            counts their confusions under ``other``.
    """
    similar = similar or {}
    counts = {}
    for name, of_class in matches.items():
        top = np.flatnonzero(~of_class.ignored)[: of_class.n_objects]
        labels = [dataset.classes.index(other) + 1 for other in similar.get(name, ())]
        touches_similar, touches_any = _touches(of_class, top, dataset, labels)
        kinds = np.select(
            [
                of_class.tp[top],
                of_class.duplicate[top],
                of_class.overlap[top] >= TOUCHES,
                touches_similar,
                touches_any,
            ],
            ["correct", "duplicate", "localisation", "similar", "other"],
            "background",
        )
        counts[name] = {kind: int(np.count_nonzero(kinds == kind)) for kind in KINDS}
        counts[name]["missed"] = of_class.n_objects - int(of_class.tp.sum())
    return counts


def _touches(
    of_class: ClassMatches, top: np.ndarray, dataset: VOCDataset, similar: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each detection of ``top`` overlaps an object of a similar class, and any object."""
    touches_similar = np.zeros(len(top), bool)
    touches_any = np.zeros(len(top), bool)
    for i in np.unique(of_class.image[top]):
        here = np.flatnonzero(of_class.image[top] == i)
        annotation = dataset.annotation(int(i))
        touches = iou(of_class.boxes[top[here]], annotation.boxes) >= TOUCHES
        touches_any[here] = touches.any(axis=1)
        touches_similar[here] = touches[:, np.isin(annotation.labels, similar)].any(axis=1)
    return touches_similar, touches_any
