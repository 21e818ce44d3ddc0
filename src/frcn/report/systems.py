"""The three systems side by side: the profile's own cells beside the paper's main table."""

from collections.abc import Sequence

import pandas as pd

from frcn.report import table
from frcn.report.cells import CellRuns, Cells
from frcn.report.paper import Measure, SystemRow, SystemsTable
from frcn.report.table import EMPTY, Table, rounded, with_times
from frcn.report.tables import (
    FORMATS,
    LABELS,
    PAPER_NETWORKS,
    comparability,
    our_numbers,
    our_words,
)

MEASURES: tuple[Measure, ...] = ("train_seconds", "test_seconds", "map")
SPEEDUPS: dict[Measure, str] = {"train_seconds": "train_speedup", "test_seconds": "test_speedup"}
TRAINING_PHASES = {
    "fine_tune": "fine-tuning",
    "features": "features",
    "svm": "SVMs",
    "bbox_regressor": "box regressors",
}
SPEEDUP_NOTE = (
    "In brackets: how many times faster than {system}; ours is the ratio of the two means over "
    "seeds."
)


def systems_table(cells: Cells, paper: SystemsTable, footnotes: Sequence[str]) -> Table:
    """Training time, seconds per image and mAP of each system, with speed-ups over the first."""
    # Next to XS, readers need only the network that it is a small copy of; the CSV has all.
    networks = [n for n in PAPER_NETWORKS if n in cells.networks] or PAPER_NETWORKS[-1:]
    quoted = [(measure, network) for network in networks for measure in MEASURES]
    return Table(
        name="systems",
        title=paper.title,
        source=paper.source,
        frame=pd.DataFrame([_numbers(row, paper, cells) for row in paper.rows]),
        headers=[
            "system",
            "experiment",
            *(f"paper {network}: {LABELS[measure]}" for measure, network in quoted),
            *(f"ours {n}: {LABELS[measure]}" for n in cells.networks for measure in MEASURES),
        ],
        rows=[_words(row, paper, quoted, cells) for row in paper.rows],
        notes=[
            SPEEDUP_NOTE.format(system=paper.rows[0].setting),
            *comparability(cells),
            *paper.notes,
            *footnotes,
        ],
        words=("system", "experiment"),
    )


def speedup(
    cells: Cells, paper: SystemsTable, row: SystemRow, network: str, measure: Measure
) -> float | None:
    """How many times less of a measure a system takes than the first; None without both."""
    first = cells.get(network, paper.rows[0].experiment)
    own = cells.get(network, row.experiment)
    of_first, of_own = first and first.mean(measure), own and own.mean(measure)
    return of_first / of_own if of_first and of_own else None


def _numbers(row: SystemRow, paper: SystemsTable, cells: Cells) -> dict:
    numbers = {"system": row.setting, "experiment": row.experiment}
    for network in PAPER_NETWORKS:
        for measure in MEASURES:
            numbers[f"paper_{measure}_{network}"] = row.paper.get(measure, {}).get(network)
        for measure, name in SPEEDUPS.items():
            numbers[f"paper_{name}_{network}"] = row.speedup.get(measure, {}).get(network)
    for network in cells.networks:
        numbers |= our_numbers(cells.get(network, row.experiment), MEASURES, network)
        for measure, name in SPEEDUPS.items():
            ours = speedup(cells, paper, row, network, measure)
            numbers[f"ours_{name}_{network}"] = rounded(ours)
    return numbers


def _words(
    row: SystemRow, paper: SystemsTable, quoted: Sequence[tuple[Measure, str]], cells: Cells
) -> list[str]:
    words = [row.setting, row.experiment]
    for measure, network in quoted:
        value = FORMATS[measure](row.paper.get(measure, {}).get(network))
        words.append(with_times(value, row.speedup.get(measure, {}).get(network)))
    for network in cells.networks:
        cell = cells.get(network, row.experiment)
        for measure in MEASURES:
            ours = speedup(cells, paper, row, network, measure) if measure in SPEEDUPS else None
            words.append(with_times(our_words(cell, measure), ours))
    return words


def training_phases_table(
    cells: Cells, paper: SystemsTable, footnotes: Sequence[str]
) -> Table | None:
    """Where the training time of each system goes; None where no training has several phases."""
    found = [
        (network, row, cell)
        for network in cells.networks
        for row in paper.rows
        if (cell := cells.get(network, row.experiment)) and cell.values("train_seconds")
    ]
    if not any(run.training_phases for *_, cell in found for run in cell.runs):
        return None
    frame_rows, rows = [], []
    for network, row, cell in found:
        phases = _phases(cell)
        total = cell.mean("train_seconds")
        names = {"network": network, "system": row.setting, "experiment": row.experiment}
        frame_rows.append(
            {
                **names,
                **{
                    f"ours_{phase}_seconds": rounded(phases.get(phase)) for phase in TRAINING_PHASES
                },
                "ours_train_seconds": rounded(total),
                "ours_n": len(cell.values("train_seconds")),
            }
        )
        rows.append([*names.values(), *_shares(phases, total), table.seconds(total)])
    return Table(
        name="training_phases",
        title="Where the training time goes",
        source="",
        frame=pd.DataFrame(frame_rows),
        headers=[
            *("network", "system", "experiment"),
            *(f"ours: {label}" for label in TRAINING_PHASES.values()),
            "ours: together",
        ],
        rows=rows,
        notes=[
            "Means over seeds; in brackets the share of the system's training time. Fast R-CNN "
            "learns classifier and box regressors while it fine-tunes.",
            *footnotes,
        ],
        words=("network", "system", "experiment"),
    )


def _phases(cell: CellRuns) -> dict[str, float]:
    """Mean seconds by phase; all of a training in a single phase is fine-tuning."""
    timed = [run for run in cell.runs if run.train_seconds is not None]
    phases = [run.training_phases or {"fine_tune": run.train_seconds} for run in timed]
    return {
        phase: sum(of_run[phase] for of_run in phases) / len(phases)
        for phase in TRAINING_PHASES
        if all(phase in of_run for of_run in phases)
    }


def _shares(phases: dict[str, float], total: float) -> list[str]:
    return [
        f"{table.seconds(phases[phase])} ({100 * phases[phase] / total:.0f} %)"
        if phase in phases
        else EMPTY
        for phase in TRAINING_PHASES
    ]
