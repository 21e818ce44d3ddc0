"""The main result: average precision per class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from frcn.report import table
from frcn.report.cells import CellRuns, Cells
from frcn.report.paper import MainTable
from frcn.report.table import Table, rounded
from frcn.report.tables import NO_SVM, NOT_HERE, our_words

BY_CLASS = ("svm", "rcnn", "spp_net")
"""Experiments whose AP per class stands beside that of ``default``, where the profile has them."""


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
