"""After the graph: shows in MLflow what dvc.lock says is current. Idempotent."""

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

from frcn import tracking
from frcn.artefacts import read_json, sha256, sha256_file, sha256_json, write_json
from frcn.config import Cell, load
from frcn.errors import UserError
from frcn.report.claim_origin import REPORT_RUN, Origin
from frcn.tracking import STORE, Record, default_uri, store_is_gone
from frcn.tracking import collect as collect_runs
from pipelines.cells import wanted_profiles, wanted_text
from pipelines.stage import exit_cleanly

LOCK = Path("dvc.lock")
STAGES = ("train", "detect", "score")
CURVES = ("lr", "loss", "loss_cls", "loss_bbox")
NUMBERS = {
    "score.json": ("map_11pt", "map_area", "low", "high", "recall_50", "average_recall"),
    "detect.json": ("seconds_per_image", "parameters", "proposals_per_image"),
    "train.json": ("seconds", "steps", "final_loss"),
}


def collect(profile: str, cells: str) -> None:
    """Log a profile's runs; at once done when nothing has changed since the last time.

    ``cells`` is the content that cells.yaml had when they ran.

    Raises:
        UserError: there is no dvc.lock, or it lacks a run of ``cells``.
    """
    if not LOCK.exists():
        raise UserError(f"{LOCK}: not found. Run `dvc repro` first.")
    stamp = STORE / "collected.json"
    # Not by its address, which may have a password in it.
    place = f"{sha256(default_uri().encode())[:16]} {profile}"
    state = sha256_json([sha256_file(LOCK), cells, _code_hash()])
    known = read_json(stamp) if stamp.exists() else {}
    # The local store is a view that may be deleted, with or without the stamp that lies in it.
    if known.get(place) == state and not store_is_gone():
        return
    experiment = Origin(profile).experiment
    written = collect_runs(experiment, _cells(profile, cells), _report(profile))
    write_json(stamp, known | {place: state})
    print(f"MLflow: {written} runs written to experiment {experiment}; `make ui` shows them")


def _cells(profile: str, cells: str) -> dict[str, list[Record]]:
    lock = _locked()
    by_cell: dict[str, list[Record]] = {}
    for key, run in yaml.safe_load(cells)["detect"].items():
        if run["profile"] == profile:
            by_cell.setdefault(run["cell"], []).append(_record(lock, key, run))
    return by_cell


@cache
def _code_hash() -> str:
    """Of what decides how a run is shown."""
    return sha256_json([sha256_file(Path(module)) for module in (__file__, tracking.__file__)])


def _locked() -> dict[str, dict]:
    # The C loader takes a tenth of the time for thousands of lines.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(LOCK.read_text(), loader)["stages"]


def _record(lock: dict[str, dict], key: str, run: dict) -> Record:
    entries = [lock[name] for stage in STAGES if (name := f"{stage}@{key}") in lock]
    if f"score@{key}" not in lock:
        raise UserError(f"{LOCK}: has no run score@{key}. Run `dvc repro` first.")
    name = f"{run['cell']}-{run['seed']}"
    config = load(Cell, Path("configs") / run["profile"] / f"{run['cell']}.yaml")
    folders = [Path("artefacts") / run["profile"] / stage / name for stage in STAGES]
    return Record(
        name=name,
        key=sha256_json([entries, _code_hash()]),
        parameters=dict(_flat(config.model_dump(mode="json"))) | {"seed": run["seed"]},
        metrics=dict(_metrics(folders)),
        curves=_curves(folders[0] / "loss.csv"),
        files=[folders[2] / "score.json", folders[2] / "curves.csv"],
    )


def _metrics(folders: list[Path]) -> Iterator[tuple[str, float]]:
    for folder in folders:
        path = folder / f"{folder.parent.name}.json"
        # A cell that trains nothing has no train.json.
        values = read_json(path) if path.exists() else {}
        for name in NUMBERS[path.name]:
            if values.get(name) is not None:
                yield f"train_{name}" if path.name == "train.json" else name, values[name]
        for label, ap in values.get("ap", {}).items():
            if ap is not None:
                yield f"ap_{label}", ap
        for phase, seconds in values.get("phases", {}).items():
            yield f"seconds_{phase}", seconds


def _curves(path: Path) -> dict[str, list[tuple[int, float]]]:
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        f"train_{name}": [(int(row["step"]), float(row[name])) for row in rows if row[name]]
        for name in CURVES
        if rows and name in rows[0]
    }


def _flat(values: dict, prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _report(profile: str) -> Record:
    folder = Path("results") / profile
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = {str(path): sha256_file(path) for path in files}
    key = sha256_json([hashes, _code_hash()])
    return Record(name=REPORT_RUN, key=key, files=[folder])


def main() -> None:
    for profile in wanted_profiles():
        collect(profile, wanted_text())


if __name__ == "__main__":
    exit_cleanly(main)
