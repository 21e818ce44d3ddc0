"""Fine-tuning: what it writes, what it leaves alone, and a real kill in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from frcn import boxes as box_ops
from frcn.errors import UserError
from frcn.learning.fine_tuning import unnormalised_bbox_pred
from frcn.learning.roidb import TargetStatistics
from frcn.models import weights
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.systems import fast_rcnn
from tiny_world import open_source, tiny_cell, write_weights, write_world

OUTPUTS = ("weights.safetensors", "loss.csv")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    write_world(root, {"trainval": 4})
    write_weights(root / "parent.safetensors", bbox_reg=False)
    return root


def fit(cell, world: Path, out: Path, seed: int = 0, parent: str = "parent.safetensors") -> dict:
    """Train, and return the bytes of what was written."""
    source = open_source(world, "trainval")
    fast_rcnn.fit(cell, [source], world / parent, seed, out, out.parent / "resume.safetensors")
    return {name: (out / name).read_bytes() for name in OUTPUTS}


def solver(**changes) -> dict:
    return {"solver": {"iterations": 2, "checkpoint_every": 10, "base_lr": 0.001} | changes}


def test_a_loss_without_weight_is_no_part_of_the_curve(repo, world, tmp_path):
    cell = tiny_cell(repo, train=solver(iterations=3) | {"cls_loss_weight": 0})
    fit(cell, world, tmp_path / "out")
    log = pd.read_csv(tmp_path / "out/loss.csv")
    assert log["loss_cls"].tolist() == [0]
    assert log["loss"].tolist() == log["loss_bbox"].tolist()
    assert log["loss"].iloc[0] > 0


def test_what_is_written(repo, world, tmp_path):
    cell = tiny_cell(repo, train=solver(iterations=25, step_size=22))
    fit(cell, world, tmp_path / "out")
    log = pd.read_csv(tmp_path / "out/loss.csv")
    assert list(log) == ["step", "lr", "loss", "loss_cls", "loss_bbox"]
    assert log["step"].tolist() == [10, 20, 25]  # saving ends a row, as do 20 steps and the end
    assert log["lr"].tolist() == pytest.approx([0.001, 0.001, 0.0001])
    np.testing.assert_allclose(log["loss"], log["loss_cls"] + log["loss_bbox"])
    summary = json.loads((tmp_path / "out/train.json").read_text())
    assert summary["steps"] == 25
    assert summary["final_loss"] == log["loss"].iloc[-1]
    assert summary["threads"] == 1
    assert not (tmp_path / "resume.safetensors").exists()


def test_frozen_layers_keep_their_bits_and_the_others_learn(repo, world, tmp_path):
    fit(tiny_cell(repo), world, tmp_path / "out")
    before, preprocessing = weights.load(world / "parent.safetensors", "XS")
    after, same_preprocessing = weights.load(tmp_path / "out/weights.safetensors", "XS")
    assert same_preprocessing == preprocessing
    for name, tensor in before.items():
        frozen = name.startswith(("trunk.conv1_1", "trunk.conv2_1"))
        # New outputs: the parent's are of the same shape here and are taken over.
        assert torch.equal(after[name], tensor) == frozen, name


def test_dropout_is_on(repo, world, tmp_path, monkeypatch):
    dropped = fit(tiny_cell(repo), world, tmp_path / "dropped/out")
    monkeypatch.setattr("frcn.models.region_net.DROPOUT", 0.0)
    assert fit(tiny_cell(repo), world, tmp_path / "kept/out") != dropped


def test_a_seed_gives_its_bytes(repo, world, tmp_path):
    first, again, other = (
        fit(tiny_cell(repo), world, tmp_path / name / "out", seed)
        for name, seed in (("first", 0), ("again", 0), ("other", 1))
    )
    assert first == again
    assert first["weights.safetensors"] != other["weights.safetensors"]


KILLED = solver(iterations=60, checkpoint_every=10)
SCRIPT = """
import sys
from pathlib import Path
import torch
from frcn.config import Cell, load
from frcn.systems.fast_rcnn import fit
from tiny_world import open_source
torch.set_num_threads(1)
world, folder = Path(sys.argv[1]), Path(sys.argv[2])
fit(load(Cell, folder / "cell.yaml"), [open_source(world, "trainval")],
    world / "parent.safetensors", 0, folder / "out", folder / "resume.safetensors")
"""


def kill_after_a_checkpoint(cell, world: Path, folder: Path) -> None:
    (folder / "cell.yaml").write_text(yaml.safe_dump(cell.model_dump()))
    training = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(world), str(folder)],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
    )
    while not (folder / "resume.safetensors").exists() and training.poll() is None:
        time.sleep(0.005)
    training.send_signal(signal.SIGKILL)
    _, errors = training.communicate()
    assert training.returncode == -signal.SIGKILL, errors.decode()
    assert not (folder / "out").exists()


def test_a_killed_training_continues_to_the_same_bytes(repo, world, tmp_path):
    cell = tiny_cell(repo, train=KILLED)
    whole = fit(cell, world, tmp_path / "whole/out")
    kill_after_a_checkpoint(cell, world, tmp_path)
    with weights.safe_open(tmp_path / "resume.safetensors", framework="pt") as file:
        assert int(file.metadata()["step"]) in range(10, 60, 10)
    killed_at = (tmp_path / "resume.safetensors").read_bytes()
    assert fit(cell, world, tmp_path / "out") == whole

    # A damaged checkpoint, or one of another config: the training starts over.
    (tmp_path / "resume.safetensors").write_bytes(killed_at[: len(killed_at) // 2])
    assert fit(cell, world, tmp_path / "out") == whole
    other = tiny_cell(repo, train=solver(base_lr=0.002))
    fresh = fit(other, world, tmp_path / "fresh/out")
    (tmp_path / "resume.safetensors").write_bytes(killed_at)
    assert fit(other, world, tmp_path / "out") == fresh


def test_divergence_is_a_user_error(repo, world, tmp_path):
    with pytest.raises(UserError, match=r"diverged before step 4.*train\.solver\.base_lr"):
        fit(tiny_cell(repo, train=solver(iterations=4, base_lr=1e20)), world, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_bad_parents_are_named(repo, world, tmp_path):
    cell = tiny_cell(repo)
    with pytest.raises(UserError, match=r"nowhere\.safetensors: no such checkpoint"):
        fit(cell, world, tmp_path / "out", parent="nowhere.safetensors")
    write_weights(world / "five.safetensors", classes=5)
    with pytest.raises(UserError, match=r"five\.safetensors: \w+\.\w+ has shape"):
        fit(cell, world, tmp_path / "out", parent="five.safetensors")
    tensors, preprocessing = weights.load(world / "parent.safetensors", "XS")
    del tensors["fc7.bias"]
    weights.save(world / "part.safetensors", tensors, "XS", preprocessing)
    with pytest.raises(UserError, match=r"part\.safetensors: lacks fc7\.bias"):
        fit(cell, world, tmp_path / "out", parent="part.safetensors")


def test_unnormalised_bbox_pred_gives_the_boxes_of_normalising_by_hand():
    rng = np.random.default_rng(0)
    network = FastRCNNNet("XS", 2)
    statistics = TargetStatistics(rng.normal(0, 0.1, (3, 4)), rng.uniform(0.1, 0.3, (3, 4)))
    hidden = torch.from_numpy(rng.normal(size=(5, 256)).astype(np.float32))
    proposals = rng.uniform(0, 20, (5, 4)) + np.array([0, 0, 30, 30])
    with torch.no_grad():
        normalised = network.bbox_pred(hidden).numpy().astype(np.float64).reshape(5, 3, 4)
    by_hand = (normalised * statistics.std + statistics.mean).reshape(5, 12)
    saved = unnormalised_bbox_pred(network, statistics)
    deltas = hidden @ saved["bbox_pred.weight"].T + saved["bbox_pred.bias"]
    np.testing.assert_allclose(
        box_ops.decode(proposals, deltas.numpy()), box_ops.decode(proposals, by_hand), atol=1e-3
    )
