"""Test pictures with detections, chosen by a rule that leaves no room for taste.

The rule: detections with a score of at least 0.5 are matched to the objects of each picture
(IoU 0.5; difficult objects don't count). F1 = 2 TP / (2 TP + FP + missed). Of the pictures with
an object, sorted by F1, then by number of objects, then by id: the best, the median, the worst,
and one at random with a fixed seed.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from frcn.data.contact_sheet import contact_sheet
from frcn.data.voc import VOCDataset
from frcn.evaluation.voc_ap import match
from frcn.report.cells import CellRuns
from frcn.report.confident import confident
from frcn.report.drawing import draw_detections, shrunk
from frcn.seeding import numpy_generator

WIDTH = 520
SHEET_WIDTH = 1100
SHEET_IMAGES = 24
SHEET_COLUMNS = 6


@dataclass(frozen=True)
class Sample:
    """A drawn picture, (H, W, 3) uint8 BGR, and how it was chosen."""

    kind: str
    picture: np.ndarray


def detection_samples(cell: CellRuns, dataset: VOCDataset) -> list[Sample]:
    """Best, median, worst and random picture of a cell's first run; none if none was kept."""
    kept = confident(cell)
    if kept is None:
        return []
    counts = picture_counts(kept, dataset, cell.config.score.min_overlap)
    return [Sample(kind, _drawn(i, kept, dataset)) for kind, i in choose_pictures(counts).items()]


def picture_counts(
    detections: pd.DataFrame, dataset: VOCDataset, min_overlap: float
) -> pd.DataFrame:
    """Per picture (index: place in the data set) ``id tp fp objects f1``; F1 is a fraction."""
    matches = match(detections, dataset, min_overlap).values()
    tp, fp, objects = np.zeros((3, len(dataset)), dtype=np.int64)
    for of_class in matches:
        np.add.at(tp, of_class.image[of_class.tp], 1)
        np.add.at(fp, of_class.image[of_class.fp], 1)
        objects += of_class.n_positives
    f1 = 2 * tp / np.maximum(tp + fp + objects, 1)
    return pd.DataFrame({"id": dataset.ids, "tp": tp, "fp": fp, "objects": objects, "f1": f1})


def choose_pictures(counts: pd.DataFrame, random: int = 1) -> dict[str, int]:
    """Place of the best, median and worst picture and of so many random ones.

    They are distinct while there are enough; more random ones leave the first the same.
    """
    ranked = counts[counts["objects"] > 0].sort_values(
        ["f1", "objects", "id"], ascending=[False, False, True], kind="stable"
    )
    order = ranked.index.tolist()
    if not order:
        return {}
    chosen = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    others = [i for i in order if i not in chosen.values()]
    generator = numpy_generator(0, "report", "sample")
    for k in range(1, min(random, len(others)) + 1):
        chosen["random" if k == 1 else f"random {k}"] = int(generator.choice(others))
        others.remove(chosen["random" if k == 1 else f"random {k}"])
    return chosen


def _drawn(i: int, detections: pd.DataFrame, dataset: VOCDataset) -> np.ndarray:
    image = dataset.image(i)
    return draw_detections(
        image,
        detections[detections["image_id"] == dataset.ids[i]],
        dataset.classes,
        dataset.annotation(i).boxes,
        zoom=WIDTH / image.shape[1],
    )


def training_sheet(dataset: VOCDataset) -> np.ndarray:
    """Contact sheet of pictures evenly spaced through the training split, (H, W, 3) BGR."""
    indices = np.unique(np.linspace(0, len(dataset) - 1, SHEET_IMAGES).astype(int))
    return shrunk(contact_sheet(dataset, indices.tolist(), SHEET_COLUMNS), SHEET_WIDTH)
