"""A copy of the repository whose only profile, ``tiny``, runs in seconds a cell."""

from collections.abc import Collection
from pathlib import Path

from pipelines.cells import cells_text
from repository_copy import copy_repository

PROFILE = """\
# @package _global_
defaults: [/recipe: small, override /proposals: opencv_selective_search, _self_]
profile: tiny
plan: {networks: [XS]}
data:
  source: {kind: shapes, seed: 0, images: {trainval: 4, test: 3}}
  classes: [fish, tree, cart, lamp, house, kite, robot, truck]
  splits: {trainval: trainval, test: test}
train:
  proposals: 50
  scales: {short_sides: [64], max_size: 100}
  sampling: {rois_per_batch: 16}
  solver: {iterations: 3, checkpoint_every: 10}
score: {bootstrap_samples: 5}
"""
# The loss of the first is infinite after a step, so that the second has no weights to test.
FAILING = {
    "diverges": "train: {solver: {base_lr: 1.0e+30}}",
    "heir": "train: {kind: none, parent: diverges}",
}


def write_sweep_repository(repo: Path, experiments: Collection[str]) -> Path:
    """Code and configs in the empty folder ``repo``."""
    copy_repository(repo, experiments)
    (repo / "conf/profile/tiny.yaml").write_text(PROFILE)
    network = repo / "conf/network/XS.yaml"
    settings = network.read_text()
    for wanted in ("images: 64", "batch_size: 8", "steps: 2"):
        key = wanted.split(":")[0]
        (line,) = (line for line in settings.splitlines() if line.strip().startswith(f"{key}:"))
        settings = settings.replace(line, f"  {wanted}")
    network.write_text(settings)
    (repo / "params.yaml").write_text("profile: [tiny]\nseeds: [0]\n")
    (repo / "pipelines/cells.yaml").write_text(cells_text(["tiny"], [0], repo / "conf"))
    return repo


def add_failing_experiments(repo: Path) -> None:
    for name, text in FAILING.items():
        header = f"# @package _global_\nexperiment: {name}\n"
        (repo / f"conf/experiment/{name}.yaml").write_text(f"{header}{text}\n")
