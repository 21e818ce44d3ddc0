"""What the page shows of one cell, drawn: pieces of HTML by the name of the place that they fill.

| fragment | holds |
|---|---|
| ``name``, ``about`` | the cell's name; mAP, seconds and seed |
| ``ap<k>``, ``curve<k>`` | AP and precision-recall curve of class k |
| ``loss``, ``loss_words`` | the loss of training, smoothed; where it ends |
| ``errors`` | rows of the error table |
| ``boxes<i>``, ``words<i>`` | detections on picture i; how many are right |

All are of the cell's first run.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from frcn.data.voc import VOCDataset
from frcn.evaluation.error_breakdown import KINDS
from frcn.evaluation.voc_ap import ClassMatches, match
from frcn.report.cells import CellRuns
from frcn.report.figures import Loss, read_curves
from frcn.report.samples import picture_counts
from frcn.report.table import percent, seconds
from frcn.report.vector import labelled_box, line, stacked_bar

Fragments = dict[str, Markup]
CROWDED = 8
ERROR_ROW = Markup(
    '<tr><th scope="row">{}</th><td><svg class="bar" viewBox="0 0 100 10" '
    'preserveAspectRatio="none" aria-hidden="true">{}</svg></td>{}</tr>'
)


@dataclass(frozen=True)
class LossAxes:
    """The common axes of all losses: the last step, and a loss that few points exceed."""

    steps: int
    loss: float

    @classmethod
    def of(cls, losses: Collection[Loss]) -> "LossAxes":
        """Axes for at least one curve."""
        steps = max(step[-1] for step, _ in losses)
        # The first points of a training are far above the rest.
        height = np.quantile(np.concatenate([loss for _, loss in losses]), 0.98)
        return cls(int(np.ceil(steps)), float(np.ceil(10 * height) / 10))


def number_fragments(cell: CellRuns, classes: Sequence[str], kinds: Sequence[str]) -> Fragments:
    """Name, scores, curves and errors, the latter with a column for each of ``kinds``."""
    run = cell.runs[0]
    about = f"mAP {percent(run.map)}, {seconds(run.test_seconds)} per image, seed {run.seed}"
    curves = read_curves(cell)
    fragments = {"name": escape(cell.name), "about": escape(about)}
    for k, name in enumerate(classes):
        of_class = curves[curves["class"] == name]
        fragments[f"ap{k}"] = escape(percent(run.score["ap"].get(name)))
        fragments[f"curve{k}"] = line(*of_class[["recall", "precision"]].to_numpy(float).T)
    return fragments | {"errors": _error_rows(run.score.get("errors", {}), classes, kinds)}


def _error_rows(
    errors: Mapping[str, Mapping[str, int]], classes: Sequence[str], kinds: Sequence[str]
) -> Markup:
    """A row per class, and one of all classes; bars have all kinds, whose places are colours."""
    counts = {name: errors[name] for name in classes if name in errors}
    counts["all classes"] = {
        kind: sum(of[kind] for of in counts.values()) for kind in (*KINDS, "missed")
    }
    number = Markup('<td class="number">{}</td>')
    return Markup().join(
        ERROR_ROW.format(
            name,
            stacked_bar([of[kind] for kind in KINDS]),
            Markup().join(number.format(of[kind]) for kind in (*kinds, "missed")),
        )
        for name, of in counts.items()
    )


def training_fragments(loss: Loss | None, axes: LossAxes | None) -> Fragments:
    """The curve of a loss on the common axes, cut off above them."""
    if loss is None or axes is None:
        return {"loss": Markup(), "loss_words": Markup("no SGD of its own")}
    step, height = loss
    path = line(step / axes.steps, np.minimum(height / axes.loss, 1))
    return {"loss": path, "loss_words": Markup("ends at {:.2f}").format(height[-1])}


def detection_fragments(
    cell: CellRuns, shown: pd.DataFrame | None, dataset: VOCDataset, places: Sequence[int]
) -> Fragments:
    """Boxes and words for each picture.

    Args:
        cell: whose detections.
        shown: its detections after NMS, see :func:`frcn.report.confident.confident`.
        dataset: the test split.
        places: of the pictures in the data set.
    """
    if shown is None:
        words = {f"words{k}": Markup("not kept") for k in range(len(places))}
        return words | {f"boxes{k}": Markup() for k in range(len(places))}
    shown = shown[shown["image_id"].isin([dataset.ids[i] for i in places])]
    overlap = cell.config.score.min_overlap
    matches = match(shown, dataset, overlap)
    counts = picture_counts(shown, dataset, overlap)
    fragments = {}
    for k, i in enumerate(places):
        row = counts.loc[i]
        words = f"{row['tp']} of {row['objects']} found, {row['fp']} false"
        fragments[f"boxes{k}"] = _boxes(matches, i, dataset.size(i)[1])
        fragments[f"words{k}"] = Markup(words)
    return fragments


def _boxes(matches: Mapping[str, ClassMatches], i: int, width: int) -> Markup:
    """The detections on picture ``i``, which is ``width`` pixels wide; the best last, on top.

    Of more than ``CROWDED`` the words are shown only where the picture is enlarged.
    """
    boxes = sorted(
        (float(of.score[d]), name, _judged(of, d), of.boxes[d].tolist())
        for name, of in matches.items()
        for d in np.flatnonzero(of.image == i)
    )
    drawn = Markup().join(
        labelled_box(box, f"{name} {score:.2f}".replace("-", "−"), kind, width)
        for score, name, kind, box in boxes
    )
    return Markup('<g class="crowded">{}</g>').format(drawn) if len(boxes) > CROWDED else drawn


def _judged(matches: ClassMatches, d: int) -> str:
    """The drawing class of detection ``d``; on a difficult object it is neither right nor wrong."""
    if matches.tp[d]:
        return "right"
    return "unjudged" if matches.ignored[d] else "wrong"
