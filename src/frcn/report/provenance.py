"""What the numbers of a report come from, as the last part of its page."""

import platform
import subprocess
from importlib.metadata import version

import cv2

from frcn.artefacts import sha256_json
from frcn.config import Proposals
from frcn.report.cells import CellRuns, Cells, Run, fingerprint
from frcn.report.table import seconds

CODE = (
    *("benchmarks", "conf", "constraints.txt", "dvc.yaml", "hydra_plugins", "params.yaml"),
    *("pipelines", "pyproject.toml", "src"),
    *(":!benchmarks/results", ":!pipelines/cells.yaml"),
)
"""Git's patterns. A run rewrites cells.yaml for a while, which follows from the others."""


def provenance(cells: Cells) -> list[tuple[str, str]]:
    """Pairs of a name and a value. No time of day: equal artefacts and checkouts, equal pages."""
    runs = [run for _, run in cells.all_runs]
    default = cells.get(cells.networks[-1], "default")
    config = (default or next(iter(cells.cells.values()))).config
    images = next((str(run.score["n_test_images"]) for run in runs), "unknown")
    return [
        ("Profile", f"{cells.profile}, network {', '.join(cells.networks)}"),
        ("Runs", f"{len(runs)} of {_wanted_runs(cells)}"),
        ("Seeds", ", ".join(map(str, cells.seeds)) + _noise_seeds(cells)),
        ("Test split", f"{config.test.split}, {images} pictures"),
        ("Proposals", _proposal_lists(cells, default)),
        ("Device", _devices(runs)),
        ("Training time", f"{seconds(sum(run.train_seconds or 0 for run in runs))} over all runs"),
        ("Testing time", f"{seconds(sum(map(_test_time, runs)))} over all runs"),
        ("Code of the report's build", _commit()),
        ("Versions of the report's build", _versions()),
        ("Fingerprint", _fingerprint(cells)),
    ]


def _wanted_runs(cells: Cells) -> int:
    wanted = {key: {*cells.seeds} for key in cells.cells}
    for key, cell in cells.repeated.items():
        wanted[key] |= {*cell.seeds}
    return sum(map(len, wanted.values()))


def _noise_seeds(cells: Cells) -> str:
    """For the noise of training; empty where no others than the profile's were run."""
    found = {
        (cell.experiment, run.seed)
        for cell in cells.repeated.values()
        for run in cell.runs
        if run.seed not in cells.seeds
    }
    if not found:
        return ""
    experiments, seeds = (", ".join(map(str, sorted(set(of)))) for of in zip(*found, strict=True))
    return f"; for the noise of training also {seeds} of {experiments}"


def _proposal_lists(cells: Cells, default: CellRuns | None) -> str:
    lists = [cell.config.proposals for cell in (default, *cells.cells.values()) if cell]
    return "; ".join(dict.fromkeys(map(_words_of, lists)))


def _words_of(proposals: Proposals) -> str:
    """A list's name, and its settings but for those that are left as they come."""
    settings = proposals.model_dump(mode="json", exclude_defaults=True, exclude={"name", "method"})
    words = ", ".join(f"{key} {value}" for key, value in settings.items())
    return f"{proposals.name} ({words})"


def _devices(runs: list[Run]) -> str:
    measured = [run.detect or run.train for run in runs]
    named = {f"{of['device']}, {of['threads']} threads" for of in measured if of}
    return "; ".join(sorted(named)) or "unknown"


def _test_time(run: Run) -> float:
    """Seconds of the whole test split."""
    return (run.test_seconds or 0) * run.score["n_test_images"]


def _versions() -> str:
    return (
        f"Python {platform.python_version()}, torch {version('torch')}, "
        f"torchvision {version('torchvision')}, OpenCV {cv2.__version__}"
    )


def _commit() -> str:
    """The last commit that changed the code: one that changes documents alone changes no page."""
    try:
        # How short Git makes a hash depends on the clone.
        commit = _git("log", "-1", "--abbrev=12", "--format=%h of %cs", "--", *CODE)
        changed = _git("status", "--porcelain", "--", *CODE)
    except (OSError, subprocess.CalledProcessError):
        commit = changed = ""
    if not commit:
        return "of no known commit"
    return f"commit {commit}{', changed since' if changed else ''}"


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "--no-optional-locks", *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


def _fingerprint(cells: Cells) -> str:
    """One hash of the fingerprints of all runs."""
    of_runs = [fingerprint(cell, run) for cell, run in cells.all_runs]
    return f"{sha256_json(of_runs)[:16]} (of all runs' configs, seeds and scores)"
