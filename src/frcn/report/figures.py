"""The figures about cells, each a function from numbers to a :class:`Picture`."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from frcn.evaluation.error_breakdown import KINDS
from frcn.report.cells import CellRuns, Cells
from frcn.report.chart import (
    BLUE,
    COLOURS,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    Picture,
    make_axes,
)

SMOOTHING_POINTS = 60
"""A loss curve is averaged into so many points."""
Loss = tuple[np.ndarray, np.ndarray]
"""Steps and losses of a smoothed curve, (P,) each."""


def map_of_all(cells: Cells) -> Picture:
    """mAP of every experiment that was run, with intervals, a panel per network."""
    panels = {
        network: [cell for (n, _), cell in cells.cells.items() if n == network and cell.has_map]
        for network in cells.networks
    }
    height = 1.1 + 0.3 * max(map(len, panels.values()))
    figure, axes = make_axes(1, len(panels), width=max(7.2, 4 * len(panels)), height=height)
    for axis, (network, shown) in zip(axes, panels.items(), strict=True):
        shown.sort(key=lambda cell: cell.mean("map"))
        for place, cell in enumerate(shown):
            is_default = cell.experiment == "default"
            _point(axis, cell, place, ORANGE if is_default else BLUE)
            if is_default:
                axis.axvline(cell.mean("map"), color=ORANGE, linewidth=1, alpha=0.6, zorder=0)
        axis.set_yticks(range(len(shown)), [cell.experiment for cell in shown])
        axis.set_ylim(-0.7, len(shown) - 0.3)
        axis.set_title(f"network {network}")
        axis.set_xlabel("mAP, %")
        axis.grid(axis="x", alpha=0.25)
    words = "; ".join(
        f"{network}: "
        + ", ".join(f"{cell.experiment} {cell.mean('map'):.1f}" for cell in reversed(shown))
        for network, shown in panels.items()
    )
    return Picture(
        "map",
        figure,
        "mAP of every experiment with its 95 % interval over resamples of the test images; small "
        "dots are single seeds. The intervals of two experiments are paired: whether they differ "
        "is read from the claims, not from overlapping bars.",
        f"Dot chart of mAP in percent, highest first. {words}.",
    )


def _point(axis: Axes, cell: CellRuns, place: int, colour: str) -> None:
    if cell.interval:
        axis.plot(cell.interval, [place, place], color=colour, linewidth=2.2, alpha=0.45)
    if len(cell.runs) > 1:
        values = cell.values("map")
        axis.plot(values, [place] * len(values), ".", color=INK, markersize=4, alpha=0.7)
    mean = cell.mean("map")
    axis.plot([mean], [place], "o", color=colour, markersize=6)
    axis.annotate(
        f"{mean:.1f}", (mean, place), (0, 5), textcoords="offset points", ha="center", fontsize=7.5
    )


def loss_curves(cells: Cells) -> Picture | None:
    """Training loss of the experiments that train, the first seed of each; None without any."""
    figure, (axis,) = make_axes(1, 1, width=7.2, height=3.8)
    drawn = []
    for (network, experiment), cell in cells.cells.items():
        of_proposals = cell.config.dense is not None or cell.is_sweep_point
        smooth = read_loss(cell)
        if of_proposals or smooth is None:
            continue
        step, loss = smooth
        name = experiment if len(cells.networks) == 1 else f"{network} {experiment}"
        place = len(drawn)
        axis.plot(
            step,
            loss,
            color=COLOURS[place % len(COLOURS)],
            linestyle=("-", "--", ":")[place // len(COLOURS) % 3],
            linewidth=1.5,
            label=name,
        )
        drawn.append(f"{name} ends at {loss[-1]:.2f}")
    if not drawn:
        return None
    axis.set_xlabel("step")
    axis.set_ylabel("training loss")
    axis.set_ylim(bottom=0)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(alpha=0.25)
    axis.legend(frameon=False, fontsize=8, ncols=2)
    return Picture(
        "loss",
        figure,
        f"Training loss (classification and boxes), averaged into {SMOOTHING_POINTS} points. "
        "Losses of experiments without box regression, or with a frozen classifier, have fewer "
        "terms and are not comparable in height. Those of the proposal figure are left out.",
        f"Line chart of the training loss against the step: {'; '.join(drawn)}.",
    )


def read_loss(cell: CellRuns) -> Loss | None:
    """The loss of a cell's first run, in at most ``SMOOTHING_POINTS`` means of equal parts.

    None of a cell that was not run, or trains nothing with SGD.
    """
    path = cell.runs[0].train_folder / "loss.csv" if cell.runs else None
    if path is None or not path.exists():
        return None
    curve = pd.read_csv(path)
    parts = np.array_split(np.arange(len(curve)), min(SMOOTHING_POINTS, len(curve)))
    step, loss = curve["step"].to_numpy(), curve["loss"].to_numpy()
    return np.array([step[p].mean() for p in parts]), np.array([loss[p].mean() for p in parts])


def precision_recall(cell: CellRuns, classes: Sequence[str]) -> Picture | None:
    """A small precision-recall curve per class, of a cell's first run; None without a run."""
    if not cell.runs:
        return None
    curves = read_curves(cell)
    ap = cell.runs[0].score["ap"]
    columns = min(4, len(classes))
    rows = -(-len(classes) // columns)
    figure, axes = make_axes(
        rows, columns, width=7.2, height=0.5 + 1.9 * rows, sharex=True, sharey=True
    )
    for axis, name in zip(axes, classes, strict=False):
        curve = curves[curves["class"] == name]
        axis.plot(curve["recall"], curve["precision"], color=BLUE, linewidth=1.6)
        axis.fill_between(curve["recall"], curve["precision"], color=BLUE, alpha=0.12, lw=0)
        axis.set_title(f"{name}  {_ap(ap.get(name))}", fontsize=9)
        axis.set(xlim=(0, 1), ylim=(0, 1.03))
        axis.grid(alpha=0.25)
    for axis in axes[len(classes) :]:
        axis.set_axis_off()
    figure.supxlabel("recall", fontsize=9)
    figure.supylabel("precision", fontsize=9)
    return Picture(
        f"precision_recall_{cell.network}",
        figure,
        f"Precision and recall per class of {cell.name}, seed {cell.runs[0].seed}; beside each "
        "name its 11-point AP in percent.",
        "Precision-recall curves, one per class, with AP: "
        + ", ".join(f"{name} {_ap(ap.get(name))}" for name in classes)
        + ".",
        on_page=False,
    )


def read_curves(cell: CellRuns) -> pd.DataFrame:
    """Columns class, recall, precision and score of a cell's first run; no row if none was kept."""
    path = cell.runs[0].folder / "curves.csv"
    if not path.exists():
        return pd.DataFrame(columns=["class", "recall", "precision", "score"])
    # Without a dtype the columns of a file without a row are no numbers.
    return pd.read_csv(path, dtype={"recall": float, "precision": float})


def _ap(value: float | None) -> str:
    return "no object" if value is None else f"{value:.1f}"


def error_kinds(cell: CellRuns, classes: Sequence[str]) -> Picture | None:
    """Shares of correct and wrong among the best detections per class; None without counts."""
    errors = cell.runs[0].score.get("errors") if cell.runs else None
    counts = {name: errors[name] for name in classes if name in errors} if errors else {}
    counts = {name: found for name, found in counts.items() if any(found[k] for k in KINDS)}
    if not counts:
        return None
    kinds = [kind for kind in KINDS if any(found[kind] for found in counts.values())]
    figure, (axis,) = make_axes(1, 1, width=7.2, height=1.3 + 0.28 * len(counts))
    names = list(reversed(counts))
    left = np.zeros(len(names))
    palette = dict(zip(KINDS, (GREEN, ORANGE, PURPLE, BLUE, GREY, RED), strict=True))
    for kind in kinds:
        total = np.array([sum(counts[name][k] for k in KINDS) for name in names])
        share = 100 * np.array([counts[name][kind] for name in names]) / total
        axis.barh(names, share, left=left, color=palette[kind], label=kind, edgecolor="white")
        left += share
    axis.set(xlim=(0, 100), xlabel="% of the N best detections of a class with N objects")
    axis.legend(
        frameon=False, fontsize=8, ncols=len(kinds), loc="lower left", bbox_to_anchor=(0, 1)
    )
    return Picture(
        f"errors_{cell.network}",
        figure,
        f"What the most confident detections of {cell.name} are, seed {cell.runs[0].seed}.",
        "Stacked bars per class: "
        + "; ".join(
            f"{name}: " + ", ".join(f"{kind} {found[kind]}" for kind in kinds)
            for name, found in counts.items()
        )
        + ".",
        on_page=False,
    )
