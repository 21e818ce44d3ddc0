"""A copy of the repository whose only profile, ``tiny``, runs in seconds a cell."""

import hashlib
from collections.abc import Collection
from pathlib import Path

from pipelines.cells import cells_text
from repository_copy import ONE_THREAD, copy_repository, run

# Files of a run that hold no seconds.
SAME = (
    "train/{}/weights.safetensors",
    "train/{}/loss.csv",
    "detect/{}/detections.parquet",
    "score/{}/score.json",
    "score/{}/curves.csv",
)

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


def prepare(repo: Path, experiments: Collection[str]) -> Path:
    """Code, configs and all that the runs need, in the empty folder ``repo``; no run."""
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
    shared = ["configs@tiny", "proposals@tiny-opencv_selective_search", "backbone@XS-grid"]
    run(repo, "dvc", "repro", *shared, **ONE_THREAD)
    return repo


def stages(*experiments: str) -> list[str]:
    """What DVC calls the stages of some experiments; ``svd`` trains nothing."""
    return [
        f"{stage}@tiny-XS-{experiment}-0"
        for stage in ("train", "detect", "score")
        for experiment in experiments
        if (stage, experiment) != ("train", "svd")
    ]


def assert_done(repo: Path, *experiments: str) -> None:
    """``dvc repro`` finds nothing to do, nor anything to take from the cache of runs."""
    again = run(repo, "dvc", "repro", *stages(*experiments))
    assert "Running stage" not in again.stdout
    assert "is cached" not in again.stdout


def hashes(repo: Path, experiment: str) -> dict[str, str]:
    """SHA-256 by file of what an experiment's run left and holds no seconds."""
    paths = [repo / "artefacts/tiny" / name.format(f"XS-{experiment}-0") for name in SAME]
    found = {str(p.relative_to(repo)): p.read_bytes() for p in paths if p.exists()}
    assert len(found) >= 3
    return {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}
