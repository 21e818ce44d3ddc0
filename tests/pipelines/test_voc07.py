"""Profile voc07, with VGG16, from archives on a host to the report: two steps on few pictures."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from frcn.config import Cell, load
from frcn.data.testing import assert_is_dataset
from frcn.data.voc import open_split
from frcn.errors import UserError
from frcn.learning.starting_network import OUTPUTS
from frcn.models import weights
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.proposals.store import ProposalStore
from pipelines.configs import configs
from pipelines.detect import detect
from pipelines.fetch import fetch
from pipelines.proposals import proposals
from pipelines.report import report
from pipelines.score import score
from pipelines.train import train
from range_server import serving
from voc_devkit import OBJECTS, write_archives

REPO = Path(__file__).parents[2]
PROFILE = "few_of_voc07"
MEAN = (102.9801, 115.9465, 122.7717)
"""Of ImageNet, BGR (FACTS §1.1)."""
BOXES = 50
"""Proposals a picture; everything else, the scale of 600 pixels too, is the profile's own."""
IMAGES = {"trainval": 5, "extra": 3, "test": 4}


@pytest.fixture
def repo(tmp_path, monkeypatch):
    """A place to run stages in. It has the config of one cell, and is removed for its size."""
    repo = tmp_path / "repo"
    for folder in ("conf", "pipelines"):
        shutil.copytree(REPO / folder, repo / folder)
    (repo / "src").symlink_to(REPO / "src")
    for path in (repo / "conf/experiment").glob("*.yaml"):
        if path.stem != "default":
            path.unlink()
    monkeypatch.chdir(repo)
    monkeypatch.delenv("FRCN_VOC07", raising=False)
    yield repo
    shutil.rmtree(repo)


def write_profile(repo: Path, host: str, known: dict[str, dict]) -> None:
    """voc07 with other archives and few proposals; VGG16 learns for two steps, from 07+12."""
    archives = [{"urls": [f"{host}/{name}"], **values} for name, values in known.items()]
    values = {
        "defaults": ["voc07", "_self_"],
        "profile": PROFILE,
        "plan": {"networks": ["L"]},
        "data": {"source": {"archives": archives}},
        "train": {
            "splits": ["trainval", "extra"],
            "proposals": BOXES,
            "solver": {"iterations": 2},
        },
    }
    text = f"# @package _global_\n{yaml.safe_dump(values, sort_keys=False)}"
    (repo / f"conf/profile/{PROFILE}.yaml").write_text(text)
    (repo / "params.yaml").write_text(f"profile: [{PROFILE}]\nseeds: [0]\n")


def write_random_backbone(path: Path, classes: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tensors = FastRCNNNet("L", classes).state_dict()
    backbone = {n: tensor for n, tensor in tensors.items() if not n.startswith(OUTPUTS)}
    weights.save(path, backbone, "L", weights.Preprocessing(MEAN, (1, 1, 1)))


def make_configs() -> dict:
    """The resolved configs; returns the plan of pipelines/cells.yaml."""
    with pytest.raises(UserError, match="is updated"):
        configs(PROFILE, Path("configs", PROFILE))
    configs(PROFILE, Path("configs", PROFILE))
    return yaml.safe_load(Path("pipelines/cells.yaml").read_text())


@pytest.mark.slow
def test_voc07_runs_from_its_archives_to_its_report(repo, tmp_path):
    classes = yaml.safe_load((repo / "conf/profile/voc07.yaml").read_text())["data"]["classes"]
    with serving(tmp_path / "host") as server:
        write_profile(repo, server.url, write_archives(server.folder, classes))
        plan = make_configs()
        fetch(Path("configs", PROFILE, "profile.yaml"), Path("data", PROFILE))
    assert_fetched(classes)
    for item in plan["proposals"].values():
        folder = Path("artefacts", PROFILE, "proposals", item["name"])
        recall = Path("artefacts", PROFILE, "recall", f"{item['name']}.csv")
        proposals(Path("configs", PROFILE, "proposals", f"{item['name']}.yaml"), folder, recall)
        assert_proposals(folder, recall)
    for run in plan["train"].values():
        write_random_backbone(Path(run["parent"]), len(classes))
        name = f"{run['cell']}-{run['seed']}"
        folder = Path("artefacts", PROFILE, "train", name)
        train(config_of(run), run["seed"], Path(run["parent"]), folder)
        assert_trained(folder, Path(run["parent"]), len(classes))
    for run in plan["detect"].values():
        name = f"{run['cell']}-{run['seed']}"
        found, scored = (Path("artefacts", PROFILE, stage, name) for stage in ("detect", "score"))
        detect(config_of(run), Path(run["weights"]), found)
        score(config_of(run), found, scored)
        assert_scored(found, scored, classes)
    report(PROFILE, "0", "", "", Path("results", PROFILE))
    assert_reported(Path("results", PROFILE), len(plan["detect"]))


def config_of(run: dict) -> Path:
    return Path("configs", PROFILE, f"{run['cell']}.yaml")


def assert_fetched(classes: list[str]) -> None:
    manifest = json.loads(Path("data", PROFILE, "manifest.json").read_text())
    assert manifest["classes"] == classes and len(set(classes)) == 20
    for split, images in IMAGES.items():
        found = manifest["splits"][split]
        assert (found["images"], found["objects"]) == (images, images * OBJECTS)
    assert {i[:5] for i in manifest["splits"]["extra"]["sha256"]} == {"2008_"}
    assert manifest["skipped"] == []
    # A picture and an annotation each; the list of each split, and one a class.
    assert len(manifest["files"]) == 2 * sum(IMAGES.values()) + 3 * 21
    cell = load(Cell, Path("configs", PROFILE, "L-default.yaml"))
    for split in IMAGES:
        assert_is_dataset(open_split(cell.data, split))


def assert_proposals(folder: Path, recall: Path) -> None:
    cell = load(Cell, Path("configs", PROFILE, "L-default.yaml"))
    for split, images in IMAGES.items():
        dataset = open_split(cell.data, split)
        store = ProposalStore.open(folder / f"{split}.npy", dataset, cell.proposals)
        for i in range(images):
            boxes, (height, width) = store.boxes(i), dataset.size(i)
            assert len(boxes) > BOXES
            assert (boxes >= 0).all() and (boxes[:, 2:] < (width, height)).all()
    rows = pd.read_csv(recall)
    assert set(rows["split"]) == set(IMAGES)
    assert rows["recall_50"].dropna().between(0, 100).all()


def assert_trained(folder: Path, parent: Path, classes: int) -> None:
    before, _ = weights.load(parent, "L")
    after, preprocessing = weights.load(folder / "weights.safetensors", "L")
    assert preprocessing.mean == MEAN
    assert after["cls_score.weight"].shape == (classes + 1, 4096)
    assert after["bbox_pred.weight"].shape == (4 * (classes + 1), 4096)
    assert all(tensor.isfinite().all() for tensor in after.values())
    changed = {n for n, tensor in before.items() if not torch.equal(tensor, after[n])}
    # conv1_1 to conv2_2 are frozen (FACTS §1.3).
    kept = {n for n in before if n.startswith(("trunk.conv1_", "trunk.conv2_"))}
    assert changed == set(before) - kept
    curve = pd.read_csv(folder / "loss.csv")
    assert np.isfinite(curve.to_numpy(dtype=float)).all()
    assert json.loads((folder / "train.json").read_text())["steps"] == 2


def assert_scored(found: Path, scored: Path, classes: list[str]) -> None:
    table = pd.read_parquet(found / "detections.parquet")
    assert set(table["class"]) <= set(classes)
    assert set(table["image_id"]) == {f"00010{i}" for i in range(1, 5)}
    assert json.loads((found / "detect.json").read_text())["proposals_per_image"] == BOXES
    result = json.loads((scored / "score.json").read_text())
    assert 0 <= result["map_11pt"] <= 100
    assert set(result["ap"]) == set(classes)
    assert result["n_test_images"] == 4
    assert result["n_objects"] == 4 * (OBJECTS - 1)  # difficult ones do not count


def assert_reported(folder: Path, cells: int) -> None:
    rows = pd.read_csv(folder / "cells.csv")
    assert len(rows) == cells == 1
    assert "VOC" in (folder / "report.html").read_text()
    for name in ("claims.csv", "table_main.csv", "table_more_data.csv", "figures/map.png"):
        assert (folder / name).stat().st_size
