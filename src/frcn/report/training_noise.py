"""How far apart trainings end that differ in the seed alone.

A bootstrap over test images holds the networks as trained. How trainings differ is measured on
``default``, and taken to be the same for all cells of its network. The original's author did the
same (FACTS §7.4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from frcn.evaluation.bootstrap import LEVEL
from frcn.report import table
from frcn.report.cells import CellRuns, Cells
from frcn.report.table import Table, rounded

ORIGINAL = "66.9; 67.2 ± 0.2"
"""Of VGG16: what was published, and what its author got from further trainings."""


@dataclass(frozen=True)
class TrainingNoise:
    """The mAP in percent of trainings of ``default`` on a network, by rising seed; two or more."""

    network: str
    seeds: tuple[int, ...]
    maps: tuple[float, ...]

    @property
    def deviation(self) -> float:
        """Standard deviation of a training's mAP (divisor n − 1)."""
        return float(np.std(self.maps, ddof=1))

    def half_width(self, n: int) -> float:
        """Half of the 95 % interval of a difference between two cells of n trainings each.

        Student's, as the deviation is itself estimated.
        """
        t = stdtrit(len(self.maps) - 1, (1 + LEVEL) / 2)
        return float(t * self.deviation * sqrt(2 / n))

    def widened(self, value: float, bounds: tuple[float, float], n: int) -> tuple[float, float]:
        """An interval over test images with the noise of training added in quadrature."""
        low, high = (max(0.0, side) for side in (value - bounds[0], bounds[1] - value))
        half = self.half_width(n)
        return value - hypot(low, half), value + hypot(high, half)


def training_noise(repeated: CellRuns | None) -> TrainingNoise | None:
    """The noise between the runs of a cell; None where fewer than two were scored."""
    scored = [run for run in repeated.runs if run.map is not None] if repeated else []
    if len(scored) < 2:
        return None
    return TrainingNoise(
        repeated.network, tuple(run.seed for run in scored), tuple(run.map for run in scored)
    )


def share_a_training(a: CellRuns, b: CellRuns) -> bool:
    """Whether one cell goes on from what the other trained, so that its noise is in both."""
    return a.config.train.parent == b.experiment or b.config.train.parent == a.experiment


def training_noise_table(cells: Cells, footnotes: Sequence[str]) -> Table | None:
    """The noise of each network beside the original's; None where none was measured."""
    measured = (training_noise(cells.repeated.get(network)) for network in cells.networks)
    noises = [noise for noise in measured if noise]
    if not noises:
        return None
    return Table(
        name="training_noise",
        title="The noise of training",
        source="slides, main table; issue 62 of the released code",
        frame=pd.DataFrame([_numbers(noise) for noise in noises]),
        headers=[
            *("network", "experiment", "paper L: published; re-runs", "ours: mean ± deviation"),
            *("lowest to highest", "two trainings differ by up to", "n"),
        ],
        rows=[_words(noise) for noise in noises],
        notes=[
            "Trainings that differ in the seed alone. The deviation is between trainings; two "
            "trainings differ by up to so much in 95 of 100 cases. Intervals of the claims contain "
            "it where they compare two trainings.",
            *footnotes,
        ],
        words=("network", "experiment"),
    )


def _numbers(noise: TrainingNoise) -> dict:
    return {
        "network": noise.network,
        "experiment": "default",
        "ours_map": rounded(np.mean(noise.maps)),
        "ours_map_sd": rounded(noise.deviation),
        "ours_map_min": rounded(min(noise.maps)),
        "ours_map_max": rounded(max(noise.maps)),
        "ours_difference": rounded(noise.half_width(1)),
        "ours_n": len(noise.maps),
        "seeds": " ".join(map(str, noise.seeds)),
    }


def _words(noise: TrainingNoise) -> list[str]:
    return [
        noise.network,
        "default",
        ORIGINAL,
        f"{table.percent(np.mean(noise.maps))} ± {table.percent(noise.deviation)}",
        f"{table.percent(min(noise.maps))} to {table.percent(max(noise.maps))}",
        table.percent(noise.half_width(1)),
        str(len(noise.maps)),
    ]
