"""A repository whose profile ``mini`` is a few small pictures, and which was run: in seconds.

The stages run in one process, which spares them the start of Python each; DVC then takes their
outs for its own. Where a copy's code was changed, ``run(copy, "tiny_repository", experiment)`` runs
them with that code instead of this repository's.
"""

import contextlib
import os
import shutil
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from unittest import mock

import yaml

from repository_copy import REPO, copy_repository, run

EXPERIMENTS = ("default", "fc_only", "svd")
# What makes `mini` small, in the form of a profile.
TINY = {
    "data": {"source": {"images": {"trainval": 8, "extra": 2, "test": 16}}},
    "train": {
        "scales": {"short_sides": [96], "max_size": 128},
        "solver": {"iterations": 20, "step_size": 16},
    },
    "score": {"bootstrap_samples": 50},
    "recipe": {"rcnn": {"step_size": 2, "iterations": 2}},
}
TINY_PRETRAINING = {"images": 64, "batch_size": 16, "steps": 2}


def copy_tiny_repository(tiny: Path, root: Path) -> Path:
    """A copy to change of a tiny repository, without what DVC has in its cache."""
    return Path(shutil.copytree(tiny, root, ignore=shutil.ignore_patterns(".dvc", ".git")))


def copy_and_shrink(root: Path, experiments: Collection[str] = EXPERIMENTS) -> None:
    """Copy the repository to ``root``, and shrink its profile and its network."""
    copy_repository(root, experiments)
    update(root / "conf/profile/mini.yaml", TINY)
    update(root / "conf/network/XS.yaml", {"weights": TINY_PRETRAINING})


def time_only_xs(root: Path) -> None:
    """Spare a copy the measurements of large networks, which take minutes."""
    graph = yaml.safe_load((root / "dvc.yaml").read_text())
    graph["stages"]["timing"]["foreach"] = ["XS"]
    (root / "dvc.yaml").write_text(yaml.safe_dump(graph, sort_keys=False))


def write_tiny_repository(root: Path) -> None:
    """Copy the repository to ``root``, shrink it, and run its cells."""
    copy_and_shrink(root)
    shutil.copytree(REPO / "notebooks", root / "notebooks")
    cells = run_stages(root)
    scores = [f"score@{key}" for key in cells["detect"]]
    run(root, "dvc", "commit", "--force", "--with-deps", *scores)


def run_stages(root: Path, experiments: Iterable[str] = EXPERIMENTS) -> dict:
    """Run the stages of mini's experiments in a copy, and the report; returns its cells.yaml.

    Data, proposals and backbones that are there are left as they are.
    """
    from pipelines import (  # noqa: PLC0415 - conftest makes it importable
        backbone,
        cells,
        configs,
        detect,
        fetch,
        proposals,
        report,
        score,
        train,
    )

    with contextlib.chdir(root), mock.patch.object(os, "sched_getaffinity", return_value={0}):
        cells.write_if_changed(cells.wanted_text())
        plan = yaml.safe_load(cells.FILE.read_text())
        for profile in ("networks", "mini"):
            configs.configs(profile, Path("configs") / profile)
        config, artefacts = Path("configs/mini"), Path("artefacts/mini")
        if not Path("data/mini").exists():
            fetch.fetch(config / "profile.yaml", Path("data/mini"))
        for item in plan["proposals"].values():
            name = item["name"]
            out, recall = artefacts / "proposals" / name, artefacts / "recall" / f"{name}.csv"
            if not out.exists():
                proposals.proposals(config / f"proposals/{name}.yaml", out, recall)
        for key, item in plan["backbones"].items():
            network = Path(f"configs/networks/{item['network']}.yaml")
            weights = Path(f"artefacts/backbone/{key}.safetensors")
            if not weights.exists():
                backbone.backbone(network, item["pooling"], weights)
        for item in _of(plan["train"], experiments):
            name = f"{item['cell']}-{item['seed']}"
            cell = config / f"{item['cell']}.yaml"
            train.train(cell, item["seed"], Path(item["parent"]), artefacts / "train" / name)
        for item in _of(plan["detect"], experiments):
            name = f"{item['cell']}-{item['seed']}"
            cell, detections = config / f"{item['cell']}.yaml", artefacts / "detect" / name
            detect.detect(cell, Path(item["weights"]), detections)
            score.score(cell, detections, artefacts / "score" / name)
        report.report("mini", "0", "", "", Path("results/mini"))
    return plan


def _of(items: dict[str, dict], experiments: Iterable[str]) -> list[dict]:
    """The runs of some experiments; a parent comes before who starts from it."""
    wanted = list(experiments)
    runs = [item for item in items.values() if item["cell"].partition("-")[2] in wanted]
    return sorted(runs, key=lambda item: wanted.index(item["cell"].partition("-")[2]))


def update(path: Path, changes: dict) -> None:
    """Change keys of a YAML file, at any depth; of its comments only Hydra's line stays."""
    text = path.read_text()
    first = text.splitlines()[0]
    header = f"{first}\n" if first.startswith("# @package") else ""
    values = _merged(yaml.safe_load(text), changes)
    path.write_text(header + yaml.safe_dump(values, sort_keys=False))


def _merged(values: dict, changes: dict) -> dict:
    sections = {
        key: _merged(values[key], change)
        for key, change in changes.items()
        if isinstance(change, dict) and key in values
    }
    return values | changes | sections


if __name__ == "__main__":
    run_stages(Path(), sys.argv[1:])
