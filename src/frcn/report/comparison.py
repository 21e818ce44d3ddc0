"""Any two cells side by side: curves, losses, errors, and detections on the same test pictures.

Each cell is a dictionary of *fragments*, see :mod:`frcn.report.fragments`. The page holds those of
all cells as data and two of them in place; choosing another cell puts its fragments into the same
places. All drawing is done here, none in the browser.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from frcn.data.voc import VOCDataset
from frcn.evaluation.error_breakdown import KINDS
from frcn.report.cells import CellRuns, Cells
from frcn.report.confident import confident
from frcn.report.drawing import jpeg, shrunk
from frcn.report.figures import read_loss
from frcn.report.fragments import (
    Fragments,
    LossAxes,
    detection_fragments,
    number_fragments,
    training_fragments,
)
from frcn.report.samples import choose_pictures, picture_counts
from frcn.report.vector import outline

RULE = (
    "Pictures are chosen by rule: sorted by F1 of the detections of {} with score ≥ 0.5 (IoU 0.5), "
    "the best, the median, the worst, and {} at random (fixed seed). Every other cell shows its "
    "best detections, as many over the test split: {}. Words are left out of a crowded picture "
    "until it is enlarged."
)
RANDOM_PICTURES = 5
MAX_WIDTH = 640
"""Larger pictures are embedded in this width."""
SECOND = ("rcnn", "spp_net", "svm")
"""Experiments that stand beside ``default`` at first: the first of these that was run."""


@dataclass(frozen=True)
class ShownPicture:
    """A test picture: why it was chosen, its size in pixels, a JPEG, and its annotated boxes.

    ``jpeg`` is Base64, ``objects`` the boxes as paths.
    """

    id: str
    kind: str
    height: int
    width: int
    jpeg: str
    objects: Markup


@dataclass(frozen=True)
class Comparison:
    """What the page needs to set two cells side by side.

    ``cells`` has the fragments of each cell by its name, ``first`` and ``second`` are the names
    of those that are in place at first; ``axes`` is None where no loss was written, ``kinds`` are
    the errors that the cells tell apart, ``similar`` the groups of similar classes, and ``rule``
    says how pictures were chosen.
    """

    cells: dict[str, Fragments]
    first: str
    second: str
    axes: LossAxes | None
    kinds: tuple[str, ...]
    similar: list[list[str]]
    pictures: list[ShownPicture]
    rule: str


def compare(cells: Cells, dataset: VOCDataset | None) -> Comparison | None:
    """The comparison of all cells that were run; None without any.

    Args:
        cells: of the profile.
        dataset: the test split, or None where it has not been fetched: then no detections.
    """
    first, *others = _in_order(cells) or [None]
    if first is None:
        return None
    losses = {cell.name: loss for cell in (first, *others) if (loss := read_loss(cell))}
    axes = LossAxes.of(losses.values()) if losses else None
    chosen, count = _chosen(first, dataset)
    kinds = tuple(kind for kind in KINDS if kind != "similar" or cells.similar_classes)
    fragments = {}
    for cell in (first, *others):
        fragments[cell.name] = number_fragments(cell, cells.classes, kinds)
        fragments[cell.name] |= training_fragments(losses.get(cell.name), axes)
        if chosen:
            shown = confident(cell, None if cell is first else count)
            fragments[cell.name] |= detection_fragments(cell, shown, dataset, [*chosen.values()])
    return Comparison(
        cells=fragments,
        first=first.name,
        second=(others or [first])[0].name,
        axes=axes,
        kinds=kinds,
        similar=cells.similar_classes,
        pictures=[_picture(dataset, i, kind) for kind, i in chosen.items()],
        rule=RULE.format(first.name, max(len(chosen) - 3, 0), count),
    )


def _in_order(cells: Cells) -> list[CellRuns]:
    """The cells that were run: ``default`` of the largest network, then what it is held against."""
    network = cells.networks[-1]
    order = ("default", *SECOND)

    def rank(cell: CellRuns) -> tuple[bool, int]:
        known = cell.experiment in order
        return cell.network != network, order.index(cell.experiment) if known else len(order)

    return sorted((cell for cell in cells.cells.values() if cell.runs), key=rank)


def _chosen(first: CellRuns, dataset: VOCDataset | None) -> tuple[Mapping[str, int], int]:
    """Places of the pictures by kind, and how many detections ``first`` shows over all."""
    shown = confident(first) if dataset else None
    if shown is None:
        return {}, 0
    counts = picture_counts(shown, dataset, first.config.score.min_overlap)
    return choose_pictures(counts, RANDOM_PICTURES), len(shown)


def _picture(dataset: VOCDataset, i: int, kind: str) -> ShownPicture:
    image = dataset.image(i)
    height, width = image.shape[:2]
    return ShownPicture(
        id=dataset.ids[i],
        kind=kind,
        height=height,
        width=width,
        jpeg=base64.b64encode(jpeg(shrunk(image, MAX_WIDTH))).decode(),
        objects=Markup().join(map(outline, dataset.annotation(i).boxes)),
    )
