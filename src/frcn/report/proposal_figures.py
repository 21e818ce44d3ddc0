"""The figures about proposals: what their number buys, and what they cover."""

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, StrMethodFormatter

from frcn.report.cells import CellRuns, Cells
from frcn.report.chart import COLOURS, Picture, make_axes
from frcn.report.paper import ProposalsTable
from frcn.report.recalls import RECALLS

MARKERS = "osD^vP*X"


def proposals(cells: Cells, paper: ProposalsTable, network: str) -> Picture | None:
    """mAP above, average recall below, against boxes per image (paper Fig. 3); None without runs.

    Schemes of several settings are lines, the others single points.
    """
    schemes: dict[str, list[CellRuns]] = {}
    for row in paper.rows:
        cell = cells.get(network, row.experiment)
        # A test split without an object has neither mAP nor recall.
        if cell and cell.has_map:
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
        for (measure, label), line in zip(RECALLS.items(), ("--", ":", "-"), strict=True):
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
            + ", ".join(f"{label} {last[m]:.1f}" for m, label in RECALLS.items())
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
