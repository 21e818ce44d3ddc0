"""Any two cells side by side: curves, losses, errors, and detections on the same test pictures.

Each cell is a dictionary of *fragments*, pieces of HTML by the name of the place that they fill.
The page holds those of all cells as data and two of them in place; choosing another cell puts
its fragments into the same places. All drawing is done here, none in the browser.

| fragment | holds |
|---|---|
| ``name``, ``about`` | the cell's name; mAP, seconds and seed |
| ``ap<k>``, ``curve<k>`` | AP and precision-recall curve of class k |
| ``loss``, ``loss_words`` | the loss of training, smoothed; where it ends |
| ``errors`` | rows of the error table |
| ``boxes<i>``, ``words<i>`` | detections on picture i; how many are right |
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from frcn.data.voc import VOCDataset
from frcn.evaluation.error_breakdown import KINDS
from frcn.evaluation.voc_ap import match
from frcn.report.cells import CellRuns, Cells
from frcn.report.confident import confident
from frcn.report.figures import smooth_loss
from frcn.report.samples import choose_pictures, picture_counts
from frcn.report.table import percent, seconds
from frcn.report.vector import labelled_box, line, outline, stacked_bar

RULE = (
    "Pictures are chosen by rule: sorted by F1 of the detections of {} with score ≥ 0.5 (IoU 0.5), "
    "the best, the median, the worst, and {} at random (fixed seed). Every other cell shows its "
    "best detections, as many over the test split: {}."
)
RANDOM_PICTURES = 5
MAX_WIDTH = 640
"""Larger pictures are embedded in this width."""
JPEG_QUALITY = 85
SECOND = ("rcnn", "spp_net", "svm")
"""Experiments that stand beside ``default`` at first: the first of these that was run."""

Fragments = dict[str, Markup]


@dataclass(frozen=True)
class ShownPicture:
    """A test picture: why it was chosen, its size in pixels, a JPEG, and its annotated boxes."""

    id: str
    kind: str
    height: int
    width: int
    jpeg: str
    objects: Markup


@dataclass(frozen=True)
class Axes:
    """The common axes of all losses: the last step, and a loss that few points exceed."""

    steps: int
    loss: float


@dataclass(frozen=True)
class Comparison:
    """What the page needs to set two cells side by side.

    ``cells`` has the fragments of each cell by its name, ``first`` and ``second`` are the names
    of those that are in place at first; ``rule`` says how pictures were chosen, and is empty
    without pictures.
    """

    cells: dict[str, Fragments]
    first: str
    second: str
    axes: Axes | None
    pictures: list[ShownPicture]
    rule: str


def compare(cells: Cells, dataset: VOCDataset | None) -> Comparison | None:
    """The comparison of all cells that were run; None without any.

    Args:
        cells: of the profile.
        dataset: the test split, or None where it has not been fetched: then no detections.
    """
    run = [cell for cell in cells.cells.values() if cell.runs]
    if not run:
        return None
    first = cells.get(cells.networks[-1], "default")
    first = first if first in run else run[0]
    others = sorted(
        (cell for cell in run if cell is not first),
        key=lambda cell: (cell.network != first.network, _rank(cell.experiment)),
    )
    losses = {cell.name: loss for cell in run if (loss := _loss(cell)) is not None}
    axes = _common_axes(losses)
    chosen, count = _chosen(first, dataset)
    fragments = {
        cell.name: {
            **_numbers(cell, cells.classes),
            **_training(losses.get(cell.name), axes),
            **_detections(cell, first, count, dataset, chosen),
        }
        for cell in (first, *others)
    }
    return Comparison(
        cells=fragments,
        first=first.name,
        second=(others or [first])[0].name,
        axes=axes,
        pictures=[_picture(dataset, i, kind) for kind, i in chosen.items()],
        rule=RULE.format(first.name, max(len(chosen) - 3, 0), count) if chosen else "",
    )


def _rank(experiment: str) -> int:
    return SECOND.index(experiment) if experiment in SECOND else len(SECOND)


def _chosen(first: CellRuns, dataset: VOCDataset | None) -> tuple[dict[str, int], int]:
    """Places of the pictures by kind, and how many detections ``first`` shows over all."""
    shown = confident(first) if dataset else None
    if shown is None:
        return {}, 0
    counts = picture_counts(shown, dataset, first.config.score.min_overlap)
    return choose_pictures(counts, RANDOM_PICTURES), len(shown)


def _picture(dataset: VOCDataset, i: int, kind: str) -> ShownPicture:
    image = dataset.image(i)
    height, width = image.shape[:2]
    factor = min(1.0, MAX_WIDTH / width)
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return ShownPicture(
        id=dataset.ids[i],
        kind=kind,
        height=height,
        width=width,
        jpeg=base64.b64encode(data).decode(),
        objects=Markup().join(map(outline, dataset.annotation(i).boxes)),
    )


def _numbers(cell: CellRuns, classes: Sequence[str]) -> Fragments:
    """Name, scores, curves and errors of a cell's first run."""
    run = cell.runs[0]
    about = f"mAP {percent(run.map)}, {seconds(run.test_seconds)} per image, seed {run.seed}"
    fragments = {"name": escape(cell.name), "about": escape(about)}
    path = run.folder / "curves.csv"
    # Without a dtype the columns of a file without a row are no numbers.
    dtype = {"recall": float, "precision": float}
    curves = pd.read_csv(path, dtype=dtype) if path.exists() else None
    for k, name in enumerate(classes):
        fragments[f"ap{k}"] = escape(percent(run.score["ap"].get(name)))
        fragments[f"curve{k}"] = Markup()
        if curves is not None:
            of_class = curves[curves["class"] == name]
            fragments[f"curve{k}"] = line(*of_class[["recall", "precision"]].to_numpy().T)
    return fragments | {"errors": _error_rows(run.score.get("errors", {}), classes)}


def _error_rows(errors: Mapping[str, Mapping[str, int]], classes: Sequence[str]) -> Markup:
    """A row per class, and one of all classes; empty without counts."""
    counts = {name: errors[name] for name in classes if name in errors}
    if not counts:
        return Markup()
    kinds = (*KINDS, "missed")
    counts["all classes"] = {k: sum(of[k] for of in counts.values()) for k in kinds}
    row = Markup(
        '<tr><th scope="row">{}</th><td><svg class="bar" viewBox="0 0 100 10" '
        'preserveAspectRatio="none" aria-hidden="true">{}</svg></td>{}</tr>'
    )
    number = Markup('<td class="number">{}</td>')
    return Markup().join(
        row.format(
            name,
            stacked_bar([of[kind] for kind in KINDS]),
            Markup().join(number.format(of[kind]) for kind in kinds),
        )
        for name, of in counts.items()
    )


def _loss(cell: CellRuns) -> tuple[np.ndarray, np.ndarray] | None:
    """Steps and smoothed loss of a cell's first run; None where no loss was written."""
    path = cell.runs[0].train_folder / "loss.csv"
    curve = pd.read_csv(path) if path.exists() else pd.DataFrame()
    return smooth_loss(curve) if len(curve) else None


def _common_axes(losses: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Axes | None:
    if not losses:
        return None
    steps = max(step[-1] for step, _ in losses.values())
    # The first points of a training are far above the rest.
    height = np.quantile(np.concatenate([loss for _, loss in losses.values()]), 0.98)
    return Axes(int(np.ceil(steps)), float(np.ceil(10 * height) / 10))


def _training(loss: tuple[np.ndarray, np.ndarray] | None, axes: Axes | None) -> Fragments:
    if loss is None or axes is None:
        return {"loss": Markup(), "loss_words": Markup("no training with SGD of its own")}
    step, height = loss
    path = line(step / axes.steps, np.minimum(height / axes.loss, 1))
    return {"loss": path, "loss_words": Markup("ends at {:.2f}").format(height[-1])}


def _detections(
    cell: CellRuns,
    first: CellRuns,
    count: int,
    dataset: VOCDataset | None,
    chosen: Mapping[str, int],
) -> Fragments:
    """Boxes and words of a cell on each picture."""
    if not chosen:
        return {}
    shown = confident(cell, None if cell is first else count)
    places = list(chosen.values())
    if shown is None:
        words = {f"words{p}": Markup("detections were not kept") for p in range(len(places))}
        return words | {f"boxes{p}": Markup() for p in range(len(places))}
    shown = shown[shown["image_id"].isin([dataset.ids[i] for i in places])]
    overlap = cell.config.score.min_overlap
    matches = match(shown, dataset, overlap)
    counts = picture_counts(shown, dataset, overlap)
    fragments = {}
    for place, i in enumerate(places):
        width = dataset.size(i)[1]
        # The best last, on top.
        boxes = sorted(
            (float(of.score[d]), _kind(of, d), name, tuple(of.boxes[d]))
            for name, of in matches.items()
            for d in np.flatnonzero(of.image == i)
        )
        fragments[f"boxes{place}"] = Markup().join(
            labelled_box(box, f"{name} {score:.2f}", kind, width) for score, kind, name, box in boxes
        )
        row = counts.loc[i]
        fragments[f"words{place}"] = Markup("{} of {} found, {} false").format(
            row["tp"], row["objects"], row["fp"]
        )
    return fragments


def _kind(of_class, d: int) -> str:
    if of_class.tp[d]:
        return "right"
    return "unjudged" if of_class.ignored[d] else "wrong"
