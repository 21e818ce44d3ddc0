"""How far apart trainings end that differ in the seed alone.

A bootstrap over test images holds the networks as trained. How trainings differ is measured on
``default``, and taken to be the same for all cells of its network; the original's author did so
(FACTS §7.4). Two cells that go back to one training are compared seed by seed, and their
differences tell their own noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np
import pandas as pd

from frcn.report import table
from frcn.report.cells import CellRuns, Cells
from frcn.report.effect import MIN_REPEATS, students_half_width
from frcn.report.paper import OriginalNoise
from frcn.report.table import EMPTY, Table, rounded


@dataclass(frozen=True)
class TrainingNoise:
    """Points of mAP of trainings that differ in the seed alone, by rising seed; two or more.

    ``values`` are mAP in percent of one experiment, or the differences of two that go back to one
    training, the first less the second.
    """

    network: str
    experiments: tuple[str, ...]
    seeds: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def deviation(self) -> float:
        """Standard deviation between trainings (divisor n − 1)."""
        return float(np.std(self.values, ddof=1))

    def half_width(self, n: int) -> float:
        """Half of the 95 % interval of an effect of n seeds, as far as training makes it.

        The mAP of one experiment stands for two cells that are trained apart; a difference has the
        noise of both its cells already.
        """
        sides = 2 if len(self.experiments) == 1 else 1
        return students_half_width(self.values) * sqrt(sides / n)

    def widened(self, value: float, bounds: tuple[float, float], n: int) -> tuple[float, float]:
        """An interval over test images with the noise of training added in quadrature."""
        low, high = (max(0.0, side) for side in (value - bounds[0], bounds[1] - value))
        half = self.half_width(n)
        return value - hypot(low, half), value + hypot(high, half)


def training_noise(*cells: CellRuns) -> TrainingNoise | None:
    """The noise between the runs of a cell, or between the differences of two.

    None where fewer than two seeds were scored in all of them.
    """
    maps = [{run.seed: run.map for run in cell.runs if run.map is not None} for cell in cells]
    seeds = sorted(set.intersection(*map(set, maps)))
    if len(seeds) < MIN_REPEATS:
        return None
    values = [maps[0][seed] - sum(others[seed] for others in maps[1:]) for seed in seeds]
    experiments = tuple(cell.experiment for cell in cells)
    return TrainingNoise(cells[0].network, experiments, tuple(seeds), tuple(values))


def training_noise_table(
    cells: Cells, original: OriginalNoise, footnotes: Sequence[str]
) -> Table | None:
    """The noise of each network beside the original's; None where none was measured."""
    noises = [noise for network in cells.networks for noise in _measured(cells, network)]
    if not noises:
        return None
    return Table(
        name="training_noise",
        title="The noise of training",
        source="slides, main table; issue 62 of the released code",
        frame=pd.DataFrame([_numbers(noise) for noise in noises]),
        headers=[
            *("network", "experiment", f"paper {original.network}: published; re-runs"),
            *("ours: mean ± deviation", "lowest to highest", "± in an interval", "n"),
        ],
        rows=[_words(noise, original) for noise in noises],
        notes=[
            "Trainings that differ in the seed alone, in points of mAP. The deviation is between "
            "trainings; last, what it adds to the interval of a claim, in quadrature. Claims on "
            "cells that are trained apart, each once, have that of `default`, as if every cell "
            "varied so much, though others may vary more. Claims on cells that go back to one "
            "training are of the mean of the differences here.",
            *footnotes,
        ],
        words=("network", "experiment"),
    )


def _measured(cells: Cells, network: str) -> list[TrainingNoise]:
    """Of ``default``, and of its difference to each cell that goes back to its training."""
    of_network = {name: cell for (of, name), cell in cells.repeated.items() if of == network}
    default = of_network.pop("default", None)
    if default is None:
        return []
    groups = [(default,), *((default, cell) for cell in of_network.values())]
    return [noise for group in groups if (noise := training_noise(*group))]


def _half_width(noise: TrainingNoise) -> float:
    """As in a claim on cells trained once, or on all the differences."""
    return noise.half_width(1 if len(noise.experiments) == 1 else len(noise.values))


def _numbers(noise: TrainingNoise) -> dict:
    return {
        "network": noise.network,
        "experiment": " ".join(noise.experiments),
        "ours_map": rounded(np.mean(noise.values)),
        "ours_map_sd": rounded(noise.deviation),
        "ours_map_min": rounded(min(noise.values)),
        "ours_map_max": rounded(max(noise.values)),
        "ours_half_width": rounded(_half_width(noise)),
        "ours_n": len(noise.values),
        "seeds": " ".join(map(str, noise.seeds)),
    }


def _words(noise: TrainingNoise, original: OriginalNoise) -> list[str]:
    of_one = len(noise.experiments) == 1
    written = table.percent if of_one else table.signed
    low, high = (written(bound) for bound in (min(noise.values), max(noise.values)))
    return [
        noise.network,
        " − ".join(noise.experiments),
        f"{original.published}; {original.words}" if of_one else EMPTY,
        f"{written(float(np.mean(noise.values)))} ± {table.percent(noise.deviation)}",
        f"{low} to {high}",
        table.percent(_half_width(noise)),
        str(len(noise.values)),
    ]
