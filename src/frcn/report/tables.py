"""Published tables beside ours, each from the cells that were run and no others.

Also the words and numbers of a cell that other tables share.
"""

from collections.abc import Sequence

import pandas as pd

from frcn.report import table
from frcn.report.cells import CellRuns, Cells
from frcn.report.paper import Measure, PaperRow, PaperTable
from frcn.report.table import EMPTY, Table, rounded

PAPER_NETWORKS = ("S", "M", "L")
NOT_HERE = "no such cell"
NO_SVM = "no SVM"
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
