"""The figures, each a function from numbers to a matplotlib figure (Agg; no window, no state)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, StrMethodFormatter

from frcn.artefacts import atomic_path
from frcn.evaluation.error_breakdown import KINDS
from frcn.report.cells import CellRuns, Cells
from frcn.report.paper import ProposalsTable

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY, INK = (
    "#0b63a5",
    "#d98300",
    "#1a8a66",
    "#c4452f",
    "#8a5aa8",
    "#4aa3d8",
    "#8a8f98",
    "#24292f",
)
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY, INK)
MARKERS = "osD^vP*X"
DPI = 144
RECALL_LABELS = {
    "recall_50": "recall at IoU 0.5",
    "recall_70": "recall at IoU 0.7",
    "average_recall": "average recall",
}
SMOOTHING_POINTS = 60
"""A loss curve is averaged into so many points."""


@dataclass(frozen=True)
class Picture:
    """A figure with its caption, and the alternative text that says what it shows.

    ``on_page`` is False of what the page draws itself, of any cell: the figure is a file only.
    """

    name: str
    figure: Figure
    caption: str
    alt: str
    on_page: bool = True


def save(figure: Figure, path: Path) -> None:
    """Write a PNG, whole or not at all; equal figures give equal bytes."""
    FigureCanvasAgg(figure)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=DPI, facecolor="white", metadata={"Software": None})


def map_of_all(cells: Cells) -> Picture:
    """mAP of every experiment that was run, with intervals, a panel per network."""
    panels = {
        network: [cell for (n, _), cell in cells.cells.items() if n == network and _has_map(cell)]
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


def _has_map(cell: CellRuns) -> bool:
    return cell.mean("map") is not None


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


def proposals(cells: Cells, paper: ProposalsTable, network: str) -> Picture | None:
    """mAP above, average recall below, against boxes per image (paper Fig. 3); None without runs.

    Schemes of several settings are lines, the others single points.
    """
    schemes: dict[str, list[CellRuns]] = {}
    for row in paper.rows:
        cell = cells.get(network, row.experiment)
        # A test split without an object has neither mAP nor recall.
        if cell and _has_map(cell):
            schemes.setdefault(row.scheme, []).append(cell)
    if not schemes:
        return None
    figure, (upper, lower) = make_axes(2, 1, width=7.2, height=6.4, sharex=True)
    words = []
    for place, (scheme, shown) in enumerate(schemes.items()):
        counts = [cell.mean("boxes_per_image") for cell in shown]
        style = dict(
            color=COLOURS[place % len(COLOURS)],
            marker=MARKERS[place % len(MARKERS)],
            linestyle="-" if len(shown) > 1 else "none",
        )
        bounds = np.array([cell.interval or (np.nan, np.nan) for cell in shown])
        if len(shown) > 1:
            upper.fill_between(counts, *bounds.T, color=style["color"], alpha=0.13, lw=0)
        else:
            upper.vlines(counts, *bounds.T, color=style["color"], alpha=0.4)
        upper.plot(counts, [cell.mean("map") for cell in shown], label=scheme, **style)
        lower.plot(counts, [cell.mean("average_recall") for cell in shown], **style)
        words += [
            f"{scheme}, {cell.mean('boxes_per_image'):.0f} boxes: mAP {cell.mean('map'):.1f}, "
            f"average recall {cell.mean('average_recall'):.1f}"
            for cell in shown
        ]
    upper.set_ylabel("mAP, %")
    lower.set(ylabel="average recall, %", xscale="log")
    lower.set_xlabel("boxes per test image")
    lower.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    lower.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    lower.minorticks_off()
    for axis in (upper, lower):
        axis.grid(alpha=0.25)
    upper.legend(frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    of_network = f" of network {network}" if len(cells.networks) > 1 else ""
    return Picture(
        f"proposals_{network}",
        figure,
        f"Detection and proposal quality{of_network} against the number of boxes; every point is "
        "trained and tested anew, SVMs on the features of the network beside them. Bands and bars: "
        "95 % interval over resamples of the test images.",
        f"Two charts against the number of boxes per image. {'; '.join(words)}.",
    )


def recalls(rows: pd.DataFrame) -> Picture:
    """Recall of each list against the number of proposals, and per class and size.

    Args:
        rows: as ``read_recalls`` gives them.
    """
    figure, (left, right) = make_axes(1, 2, width=8.6, height=4.2)
    everything = rows[rows["count"] == "all"]
    words = []
    for place, (name, of_list) in enumerate(rows.groupby("list", sort=False)):
        colour = COLOURS[place % len(COLOURS)]
        curve = of_list[of_list["group"] == "all"].sort_values("boxes_per_image")
        for (measure, label), line in zip(RECALL_LABELS.items(), ("--", ":", "-"), strict=True):
            left.plot(
                curve["boxes_per_image"],
                curve[measure],
                line,
                color=colour,
                label=f"{name}, {label}",
            )
        last = curve.iloc[-1]
        words.append(
            f"{name}, all {last['boxes_per_image']:.0f} boxes: "
            + ", ".join(f"{label} {last[m]:.1f}" for m, label in RECALL_LABELS.items())
        )
        bars = everything[everything["list"] == name]
        height = 0.8 / everything["list"].nunique()
        right.barh(
            np.arange(len(bars)) + place * height,
            bars["average_recall"],
            height,
            color=colour,
            label=name,
        )
    groups = everything["group"].drop_duplicates()
    right.set_yticks(np.arange(len(groups)) + 0.4 - height / 2, groups)
    right.invert_yaxis()
    right.set_xlabel("average recall of all boxes, %")
    left.set(xlabel="boxes per image", ylabel="%", ylim=(0, 100), xscale="log")
    left.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    left.legend(frameon=False, fontsize=6.5)
    right.legend(frameon=False, fontsize=7, loc="lower left", bbox_to_anchor=(0, 1))
    for axis in (left, right):
        axis.grid(alpha=0.25)
    return Picture(
        "recall",
        figure,
        "What the proposals of the test split cover: on the left the first boxes of each picture, "
        "on the right all of them, by class and by size of object.",
        f"Line chart of recall against boxes per image, and bars per group. {'; '.join(words)}.",
    )


def loss_curves(cells: Cells) -> Picture | None:
    """Training loss of the experiments that train, the first seed of each; None without any."""
    figure, (axis,) = make_axes(1, 1, width=7.2, height=3.8)
    drawn = []
    for (network, experiment), cell in cells.cells.items():
        path = cell.runs[0].train_folder / "loss.csv" if cell.runs else None
        swept = cell.config.dense is not None or experiment.startswith("proposals_")
        if swept or cell.config.train.kind != "sgd" or path is None or not path.exists():
            continue
        step, loss = smooth_loss(pd.read_csv(path))
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


def smooth_loss(curve: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Mean ``step`` and ``loss`` of at most ``SMOOTHING_POINTS`` equal parts of a loss.csv."""
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


def make_axes(
    rows: int, columns: int, width: float, height: float, **options: object
) -> tuple[Figure, list[Axes]]:
    """A figure of so many inches and its axes in reading order; ``options`` are of subplots."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, columns, **options)).ravel().tolist()
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    return figure, axes
