"""The tables: published numbers beside ours, each from the cells that were run and no others."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from frcn.report import table
from frcn.report.cells import CellRuns, Cells
from frcn.report.paper import MainTable, Measure, PaperRow, PaperTable, ProposalsTable
from frcn.report.table import EMPTY, Table

PAPER_NETWORKS = ("S", "M", "L")
NOT_HERE = "no such cell"
NO_SVM = "no SVM"
BY_CLASS = ("svm", "rcnn", "spp_net")
"""Experiments whose AP per class stands beside that of ``default``, where the profile has them."""
PROPOSALS_NETWORK = "M"
"""The network of the paper's proposal figure."""
COVERED = {
    "boxes_per_image": "boxes per image",
    "average_recall": "average recall",
    "recall_50": "recall at IoU 0.5",
}
RECALLS = ("recall_50", "recall_70", "average_recall")
RECALL_COUNTS = ("100", "300", "1000", "all")
LABELS: dict[Measure, str] = {
    "map": "mAP",
    "train_seconds": "training",
    "test_seconds": "per image",
    "parameters": "parameters",
}
FORMATS = {
    "map": table.percent,
    "train_seconds": table.seconds,
    "test_seconds": table.seconds,
    "parameters": table.count,
}
ONLY_DIRECTIONS = (
    "The published numbers are of VOC07 and networks pre-trained on ImageNet; ours are of other "
    "data and smaller networks. Only the directions of differences can be compared."
)


def build_tables(
    cells: Cells,
    published: dict[str, PaperTable],
    footnotes: Sequence[str],
) -> list[Table]:
    """A :class:`Table` for each published one of the profile, with ``footnotes`` under each."""
    return [
        _comparison(name, paper, cells, footnotes)
        for name, paper in published.items()
        if paper.profile in (None, cells.profile)
    ]


def common_footnotes(cells: Cells, skipped: int | None) -> list[str]:
    """What every table says: how numbers are given, what was dropped."""
    several = len(cells.seeds) > 1
    spread = "mean ± standard deviation over seeds, " if several else ""
    seeds = ", ".join(map(str, cells.seeds))
    notes = [
        f"Ours: {spread}[95 % interval over resamples of the test images]; mAP is VOC07's "
        f"11-point mAP in percent; n = {len(cells.seeds)} (seeds {seeds}).{_without_svm(cells)}"
    ]
    if skipped is None:
        notes.append("How many invalid objects or images were skipped is not known: no manifest.")
    else:
        notes.append(f"Objects or images skipped because their annotation is invalid: {skipped}.")
    return notes


def _without_svm(cells: Cells) -> str:
    """In whose mAP classes count as 0 that nothing looks for; empty where in nobody's."""
    found = [
        f"{', '.join(cell.without_svm)} of {cell.name}"
        for cell in cells.cells.values()
        if cell.without_svm
    ]
    if not found:
        return ""
    return (
        f" {NO_SVM[0].upper()}{NO_SVM[1:]}, because the training split has no object of the class:"
        f" {'; '.join(found)}. AP of such a class counts as 0 in mAP."
    )


def comparability(cells: Cells) -> list[str]:
    """The note under every table that has published numbers of other data than ours."""
    return [] if cells.profile == "voc07" else [ONLY_DIRECTIONS]


def _comparison(name: str, paper: PaperTable, cells: Cells, footnotes: Sequence[str]) -> Table:
    quoted = [
        (measure, network)
        for network in PAPER_NETWORKS
        for measure in paper.measures
        if any(network in row.paper.get(measure, {}) for row in paper.rows)
    ]
    headers = [
        "setting",
        "experiment",
        *(f"paper {network}: {LABELS[measure]}" for measure, network in quoted),
        *(f"ours {n}: {LABELS[measure]}" for n in cells.networks for measure in paper.measures),
    ]
    return Table(
        name=name,
        title=paper.title,
        source=paper.source,
        frame=pd.DataFrame([_numbers(row, paper.measures, quoted, cells) for row in paper.rows]),
        headers=headers,
        rows=[_words(row, paper.measures, quoted, cells) for row in paper.rows],
        notes=[*(comparability(cells) if quoted else []), *paper.notes, *footnotes],
        words=("setting", "experiment"),
    )


def _numbers(
    row: PaperRow, measures: Sequence[Measure], quoted: list[tuple[Measure, str]], cells: Cells
) -> dict:
    numbers = {"setting": row.setting, "experiment": row.experiment or ""}
    for measure, network in quoted:
        numbers[f"paper_{measure}_{network}"] = row.paper.get(measure, {}).get(network)
    for network in cells.networks:
        numbers |= our_numbers(_cell(cells, network, row), measures, network)
    return numbers


def our_numbers(cell: CellRuns | None, measures: Sequence[Measure], network: str) -> dict:
    """The ``ours_…`` columns of a cell; empty, with n = 0 and the reason, where it has no run."""
    numbers = {}
    for measure in measures:
        numbers[f"ours_{measure}_{network}"] = rounded(cell and cell.mean(measure))
        numbers[f"ours_{measure}_sd_{network}"] = rounded(cell and cell.spread(measure))
        if measure == "map":
            low, high = (cell and cell.interval) or (None, None)
            numbers[f"ours_map_low_{network}"] = rounded(low)
            numbers[f"ours_map_high_{network}"] = rounded(high)
    numbers[f"ours_n_{network}"] = len(cell.runs) if cell else 0
    numbers[f"ours_status_{network}"] = cell.status if cell else NOT_HERE
    return numbers


def _words(
    row: PaperRow, measures: Sequence[Measure], quoted: list[tuple[Measure, str]], cells: Cells
) -> list[str]:
    words = [row.setting, row.experiment or EMPTY]
    for measure, network in quoted:
        words.append(FORMATS[measure](row.paper.get(measure, {}).get(network)))
    for network in cells.networks:
        cell = _cell(cells, network, row)
        words += [our_words(cell, measure) if row.experiment else EMPTY for measure in measures]
    return words


def our_words(cell: CellRuns | None, measure: Measure) -> str:
    """``52.3 ± 0.4 [50.1, 54.5]`` and its like, or why there is no number."""
    if cell is None or not cell.runs:
        return cell.status if cell else NOT_HERE
    show = FORMATS[measure]
    words = show(cell.mean(measure))
    spread = cell.spread(measure)
    if spread is not None and measure != "parameters":
        words += f" ± {show(spread)}"
    if measure == "map":
        words += f" [{show(cell.interval[0])}, {show(cell.interval[1])}]" if cell.interval else ""
        words += "" if cell.status == "complete" else f" ({cell.status})"
    return words


def _cell(cells: Cells, network: str, row: PaperRow) -> CellRuns | None:
    return cells.get(network, row.experiment) if row.experiment else None


def main_table(cells: Cells, paper: MainTable, footnotes: Sequence[str]) -> Table:
    """AP per class, beside the published ones in the profile of the same classes.

    Of ``default``, and of those of ``BY_CLASS`` that the profile has.
    """
    shown = [(n, "default") for n in cells.networks]
    shown += [(n, name) for n in cells.networks for name in BY_CLASS if cells.get(n, name)]
    beside = cells.profile == paper.profile
    frame_rows, rows = [], []
    for name in [*cells.classes, "mAP"]:
        numbers, words = {"class": name}, [name]
        if beside:
            value = paper.map if name == "mAP" else paper.ap.get(name)
            numbers[f"paper_ap_{paper.network}"] = value
            words.append(table.percent(value))
        for network, experiment in shown:
            cell = cells.get(network, experiment)
            column = network if experiment == "default" else f"{experiment}_{network}"
            numbers |= _class_numbers(cell, column, name)
            words.append(_class_words(cell, name))
        frame_rows.append(numbers)
        rows.append(words)
    headers = ["class", *([f"paper {paper.network}: AP"] if beside else [])]
    return Table(
        name="main",
        title=paper.title,
        source=paper.source if beside else "",
        frame=pd.DataFrame(frame_rows),
        headers=[*headers, *(_class_header(*names) for names in shown)],
        rows=rows,
        notes=list(footnotes),
        words=("class",),
    )


def _class_header(network: str, experiment: str) -> str:
    return f"ours {network}: AP" + ("" if experiment == "default" else f" of {experiment}")


def _class_values(cell: CellRuns | None, name: str) -> list[float]:
    if cell is None:
        return []
    found = [run.map if name == "mAP" else run.score["ap"][name] for run in cell.runs]
    return [value for value in found if value is not None]


def _class_numbers(cell: CellRuns | None, column: str, name: str) -> dict:
    values = _class_values(cell, name)
    low, high = (cell.interval if cell and name == "mAP" else None) or (None, None)
    return {
        f"ours_ap_{column}": rounded(np.mean(values)) if values else None,
        f"ours_ap_sd_{column}": rounded(np.std(values, ddof=1)) if len(values) > 1 else None,
        f"ours_ap_low_{column}": rounded(low),
        f"ours_ap_high_{column}": rounded(high),
        f"ours_n_{column}": len(values),
    }


def _class_words(cell: CellRuns | None, name: str) -> str:
    if cell is None or not cell.runs:
        return cell.status if cell else NOT_HERE
    if name == "mAP":
        return our_words(cell, "map")
    values = _class_values(cell, name)
    if not values:
        return "no object"
    if name in cell.without_svm:
        return NO_SVM
    spread = f" ± {table.percent(np.std(values, ddof=1))}" if len(values) > 1 else ""
    return table.percent(np.mean(values)) + spread


def proposals_table(cells: Cells, paper: ProposalsTable, footnotes: Sequence[str]) -> Table:
    """The points of the proposal figure: mAP beside what the boxes of the test images cover."""
    frame_rows, rows = [], []
    for network in cells.swept_networks:
        for row in paper.rows:
            cell = cells.get(network, row.experiment)
            names = {"scheme": row.scheme, "setting": row.setting, "experiment": row.experiment}
            names["network"] = network
            covered = {measure: cell and cell.mean(measure) for measure in COVERED}
            ours = our_numbers(cell, ["map"], network)
            frame_rows.append(
                {
                    **names,
                    f"paper_map_{PROPOSALS_NETWORK}": row.paper,
                    **{f"ours_{name}": rounded(value) for name, value in covered.items()},
                    **{key.removesuffix(f"_{network}"): value for key, value in ours.items()},
                }
            )
            rows.append(
                [
                    *names.values(),
                    table.percent(row.paper),
                    our_words(cell, "map"),
                    *(table.percent(value) for value in covered.values()),
                ]
            )
    return Table(
        name="proposals",
        title=paper.title,
        source=paper.source,
        frame=pd.DataFrame(frame_rows),
        headers=[
            "proposals",
            "boxes, paper's scale",
            "experiment",
            "network",
            f"paper {PROPOSALS_NETWORK}: mAP",
            "ours: mAP",
            *COVERED.values(),
        ],
        rows=rows,
        notes=[*comparability(cells), *paper.notes, *footnotes],
        words=("proposals", "boxes, paper's scale", "experiment", "network"),
    )


def recall_table(recalls: pd.DataFrame, footnotes: Sequence[str]) -> Table:
    """What each proposal list covers of the test split, per class and size of object.

    Args:
        recalls: as ``read_recalls`` gives them.
    """
    shown = [count for count in RECALL_COUNTS if count in set(recalls["count"])]
    rows = []
    for (name, group), rows_of in recalls.groupby(["list", "group"], sort=False):
        of_count = rows_of.set_index("count")
        words = [
            " / ".join(table.percent(of_count.loc[count, measure]) for measure in RECALLS)
            for count in shown
        ]
        rows.append([name, group, str(of_count["objects"].iloc[0]), *words])
    return Table(
        name="recall",
        title="What the proposals cover",
        source="",
        frame=recalls,
        headers=[
            "proposals",
            "objects",
            "number",
            *(count if count == "all" else f"first {count}" for count in shown),
        ],
        rows=rows,
        notes=[
            "Recall at IoU 0.5 / at IoU 0.7 / average recall, in percent, of the test split's "
            "objects that are not difficult.",
            "Small objects have an area below 32², large ones of 96² pixels or more.",
            *footnotes,
        ],
        words=("proposals", "objects"),
    )


def proposal_time_table(
    times: pd.DataFrame, paper: ProposalsTable, footnotes: Sequence[str]
) -> Table:
    """How long each proposal method takes for a picture, and what its boxes cover.

    Args:
        times: columns of ``benchmarks/results/proposals-<profile>.csv``, all rows of one run.
        paper: has the published seconds.
        footnotes: end the notes.
    """
    of_width = {
        width: rows.set_index("method") for width, rows in times.groupby("width", sort=False)
    }
    labels = {width: f"{width} px" if width.isdigit() else f"{width} size" for width in of_width}
    rows = []
    for method in times["method"].unique():
        published = paper.seconds.get(method)
        words = [method, EMPTY if published is None else f"{published:g}"]
        for rows_of in of_width.values():
            row = rows_of.loc[method]
            covered = " / ".join(table.percent(row[measure]) for measure in RECALLS)
            words += [f"{row['seconds']:.3g}", f"{row['boxes']:.0f}", covered]
        rows.append(words)
    pictures = ", ".join(
        f"{rows_of['pictures'].iloc[0]} at {labels[width]}" for width, rows_of in of_width.items()
    )
    origin = times.iloc[0]
    return Table(
        name="proposal_time",
        title="How long proposals take",
        source="the talk of the paper",
        frame=times.assign(paper_seconds=times["method"].map(paper.seconds)),
        headers=[
            "method",
            "paper: s",
            *(
                f"{label}: {measure}"
                for label in labels.values()
                for measure in ("s", "boxes", "R@.5 / R@.7 / AR")
            ),
        ],
        rows=rows,
        notes=[
            f"One thread of {origin['machine']}, OpenCV {origin['opencv']}, {origin['date']}; all "
            "methods in one run.",
            f"Means over test pictures, evenly spread through the split: {pictures}. Boxes of "
            "resized pictures are scaled back.",
            "OpenCV's selective search has its own default k, which is larger than ours.",
            "Recall at IoU 0.5 / at IoU 0.7 / average recall by all boxes, in percent, of these "
            "pictures' objects that are not difficult. Widths of unlike numbers of pictures don't "
            "compare.",
            "The published seconds are of other pictures, another machine and the authors' own "
            "code, in which EdgeBoxes takes its edges from Structured Forests.",
            *footnotes,
        ],
        words=("method",),
    )


def rounded(value: float | None) -> float:
    """A number as tables store it: six decimals, NaN where there is none."""
    return np.nan if value is None else round(float(value), 6)
