"""What the other stages left of each cell: read once, and honest about what is missing.

A *cell* is network × experiment; a *run* is a cell with a seed. A run counts only when it was
scored; tables say "not run" of the others.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from frcn.artefacts import read_json, sha256_json
from frcn.config import Cell, Network, load
from frcn.errors import UserError
from frcn.evaluation.bootstrap import interval
from frcn.report.table import rounded

NOT_RUN = "not run"
PROFILE_FILE = "profile.yaml"
NETWORK_ORDER = get_args(Network.model_fields["name"].annotation)
"""All networks there are, smallest first, as the schema lists them."""
SWEEP_PREFIX = "proposals_"
"""An experiment whose name begins so is a point of the sweep over the number of proposals."""


@dataclass(frozen=True)
class Run:
    """One scored run. ``train`` and ``detect`` are empty where a stage left nothing.

    ``score``, ``train`` and ``detect`` are the content of the stages' JSON files;
    ``bootstrap`` (B,) float64 is the mAP of each resample of the test images, in percent.
    """

    seed: int
    folder: Path
    train_folder: Path
    detect_folder: Path
    score: dict
    train: dict
    detect: dict
    bootstrap: np.ndarray

    @property
    def map(self) -> float | None:
        """11-point mAP in percent; None where the test split has no object."""
        return self.score["map_11pt"]

    @property
    def train_seconds(self) -> float | None:
        return self.train.get("seconds")

    @property
    def training_phases(self) -> dict[str, float]:
        """Seconds by phase of a training in several phases; empty of one in a single phase."""
        return self.train.get("phases", {})

    @property
    def test_seconds(self) -> float | None:
        return self.detect.get("seconds_per_image")

    @property
    def parameters(self) -> float | None:
        return self.detect.get("parameters", self.train.get("parameters"))

    @property
    def boxes_per_image(self) -> float | None:
        """Mean number of proposals per test image."""
        return self.score.get("proposals_per_image")

    @property
    def average_recall(self) -> float | None:
        """Of the proposals, in percent."""
        return self.score.get("average_recall")

    @property
    def recall_50(self) -> float | None:
        """Recall of the proposals at IoU 0.5, in percent."""
        return self.score.get("recall_50")


@dataclass(frozen=True)
class CellRuns:
    """A configured cell and those of its runs that were scored, by rising seed."""

    name: str
    config: Cell
    seeds: tuple[int, ...]
    runs: tuple[Run, ...]

    @property
    def network(self) -> str:
        return self.config.network.name

    @property
    def experiment(self) -> str:
        return self.config.experiment

    @property
    def is_sweep_point(self) -> bool:
        """Whether the cell is a point of the sweep over the number of proposals."""
        return self.experiment.startswith(SWEEP_PREFIX)

    @property
    def without_svm(self) -> list[str]:
        """Classes of the test split that no SVM looks for: training has no object of them.

        Empty of a cell without SVMs. AP of these classes is 0 and counts in mAP.
        """
        return [
            name
            for index, name in enumerate(self.config.data.classes)
            if any(_lacks_svm(run, index, name) for run in self.runs)
        ]

    @property
    def has_map(self) -> bool:
        """False without a run, and of a test split without an object."""
        return self.mean("map") is not None

    def mean(self, measure: str) -> float | None:
        """Mean over the runs of a property of :class:`Run`, such as ``map``."""
        values = self.values(measure)
        return float(np.mean(values)) if values else None

    def spread(self, measure: str) -> float | None:
        """Standard deviation over the runs (divisor n − 1); None of fewer than two."""
        values = self.values(measure)
        return float(np.std(values, ddof=1)) if len(values) > 1 else None

    def values(self, measure: str) -> list[float]:
        """The measure of each run that has it."""
        found = [getattr(run, measure) for run in self.runs]
        return [value for value in found if value is not None]

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the mean mAP over resamples of the test images.

        None without a run, and where a resample of a tiny test split has no object at all.
        """
        if not self.runs:
            return None
        samples = np.mean([run.bootstrap for run in self.runs], axis=0)
        return None if np.isnan(samples).any() else interval(samples)

    @property
    def status(self) -> str:
        """``complete``, ``not run``, or how many of the seeds were run."""
        if not self.runs:
            return NOT_RUN
        if len(self.runs) == len(self.seeds):
            return "complete"
        return f"{len(self.runs)} of {len(self.seeds)} seeds"


def _lacks_svm(run: Run, index: int, name: str) -> bool:
    positives = run.train.get("positives")
    return positives is not None and not positives[index] and run.score["ap"][name] is not None


@dataclass(frozen=True)
class Cells:
    """All cells of a profile, by (network, experiment).

    ``repeated`` has the cells that tell the noise of training, with all seeds that they were to
    have, those too that count for that alone; none where that is one seed.
    """

    profile: str
    seeds: tuple[int, ...]
    cells: dict[tuple[str, str], CellRuns]
    repeated: dict[tuple[str, str], CellRuns] = field(default_factory=dict)

    def get(self, network: str, experiment: str) -> CellRuns | None:
        """The cell, or None when the profile does not have it."""
        return self.cells.get((network, experiment))

    def training_of(self, cell: CellRuns) -> str:
        """The experiment whose training a cell goes back to: the first of its ancestors, or it."""
        parent = self.get(cell.network, cell.config.train.parent)
        return self.training_of(parent) if parent else cell.experiment

    def with_all_seeds(self, cell: CellRuns) -> CellRuns:
        """A cell also with its runs for the noise of training, if it has any."""
        return self.repeated.get((cell.network, cell.experiment), cell)

    @property
    def all_runs(self) -> list[tuple[CellRuns, Run]]:
        """Every scored run once, with its cell; also those for the noise of training alone."""
        cells = (*self.cells.values(), *self.repeated.values())
        found = {(cell.name, run.seed): (cell, run) for cell in cells for run in cell.runs}
        return list(found.values())

    @property
    def networks(self) -> list[str]:
        """Networks of the profile, smallest first."""
        return sorted({network for network, _ in self.cells}, key=NETWORK_ORDER.index)

    @property
    def classes(self) -> list[str]:
        return next(iter(self.cells.values())).config.data.classes

    @property
    def similar_classes(self) -> list[list[str]]:
        """Groups of classes that count as similar in any cell; most often all have the same."""
        groups: list[list[str]] = []
        for cell in self.cells.values():
            groups += [g for g in cell.config.score.similar_classes if g not in groups]
        return groups

    @property
    def swept_networks(self) -> list[str]:
        """Networks that have a sweep over the number of proposals; the largest if none has."""
        return [n for n in self.networks if self.proposal_sweep(n)] or self.networks[-1:]

    def proposal_sweep(self, network: str) -> list[CellRuns]:
        """The cells that differ in the number of proposals, fewest first."""
        swept = [c for c in self.cells.values() if c.network == network and c.is_sweep_point]
        return sorted(swept, key=lambda cell: cell.config.test.proposals)


def read_cells(
    profile: str,
    configs: Path,
    artefacts: Path,
    seeds: Sequence[int],
    noise_seeds: Sequence[int] = (),
    repeated: Collection[str] = (),
) -> Cells:
    """Read every configured cell of a profile and the artefacts of the given seeds.

    ``noise_seeds`` are further ones of the experiments ``repeated``.

    Raises:
        UserError: the profile has no resolved config, or a file is damaged.
    """
    folder = Path(configs) / profile
    paths = sorted(path for path in folder.glob("*.yaml") if path.name != PROFILE_FILE)
    if not paths:
        raise UserError(f"{folder}: no resolved config of a cell. `dvc repro` makes them.")
    cells, again = {}, {}
    all_seeds = {*seeds, *noise_seeds}
    for path in paths:
        config = load(Cell, path)
        network, experiment = config.network.name, config.experiment
        cells[network, experiment] = _read_runs(Path(artefacts) / profile, config, seeds)
        if experiment in repeated and len(all_seeds) > 1:
            again[network, experiment] = _read_runs(Path(artefacts) / profile, config, all_seeds)
    return Cells(profile, tuple(sorted(seeds)), cells, again)


def _read_runs(artefacts: Path, config: Cell, seeds: Collection[int]) -> CellRuns:
    name = f"{config.network.name}-{config.experiment}"
    runs = (_read_run(artefacts, name, seed) for seed in sorted(seeds))
    found = tuple(run for run in runs if run is not None)
    return CellRuns(name, config, tuple(sorted(seeds)), found)


def _read_run(artefacts: Path, cell: str, seed: int) -> Run | None:
    run = f"{cell}-{seed}"
    folder = artefacts / "score" / run
    if not (folder / "score.json").exists():
        return None
    try:
        bootstrap = np.load(folder / "bootstrap.npy", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(
            f"{folder / 'bootstrap.npy'}: missing or no array ({error}). Delete {folder}; "
            "`dvc repro` scores the run anew."
        ) from None
    return Run(
        seed=seed,
        folder=folder,
        train_folder=artefacts / "train" / run,
        detect_folder=artefacts / "detect" / run,
        score=read_json(folder / "score.json"),
        train=_read_optional(artefacts / "train" / run / "train.json"),
        detect=_read_optional(artefacts / "detect" / run / "detect.json"),
        bootstrap=bootstrap,
    )


def _read_optional(path: Path) -> dict:
    return read_json(path) if path.exists() else {}


def cells_frame(cells: Cells) -> pd.DataFrame:
    """``cells.csv``: a row per run, with empty numbers and fingerprint "not run" where none is.

    The fingerprint leaves seconds out, so equal fingerprints mean equal results.
    """
    rows = []
    for cell in cells.cells.values():
        scored = {run.seed: run for run in cell.runs}
        rows += [_row(cells, cell, seed, scored.get(seed)) for seed in cells.seeds]
    return pd.DataFrame(rows)


def _row(cells: Cells, cell: CellRuns, seed: int, run: Run | None) -> dict:
    score = run.score if run else {}
    ap = score.get("ap", {})
    return {
        "profile": cells.profile,
        "network": cell.network,
        "experiment": cell.experiment,
        "seed": seed,
        "map_11pt": rounded(score.get("map_11pt")),
        "map_area": rounded(score.get("map_area")),
        **{f"ap_{name}": rounded(ap.get(name)) for name in cells.classes},
        "recall_50": rounded(run and run.recall_50),
        "average_recall": rounded(run and run.average_recall),
        "proposals_per_image": rounded(run and run.boxes_per_image),
        "train_seconds": rounded(run and run.train_seconds),
        "test_seconds_per_image": rounded(run and run.test_seconds),
        "n_test_images": score.get("n_test_images"),
        "fingerprint": fingerprint(cell, run) if run else NOT_RUN,
    }


def fingerprint(cell: CellRuns, run: Run) -> str:
    """A hash of the resolved config, the seed and the scores."""
    content = {"config": cell.config.model_dump(), "seed": run.seed, "score": run.score}
    return sha256_json(content)[:16]
