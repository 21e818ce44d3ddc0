"""Every cell that conf/ composes really runs: two steps and a detection, or its shapes fit."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from frcn.config import Cell
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.weights import load
from frcn.systems import fast_rcnn
from tiny_world import open_source, shrink, write_weights, write_world

FIRST_LEARNING = {
    "S": "conv2",
    "M": "conv2",
    "L": "conv3_1",
    "fc_only": "fc6",
    "conv2_up": "conv2_1",
    "piecewise": "bbox_pred",
}
"""By network, unless the experiment says so (FACTS §1.3)."""


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    write_world(root, {"trainval": 2, "extra": 2, "test": 1})
    for bbox_reg in (True, False):
        write_weights(root / f"parent_{bbox_reg}.safetensors", bbox_reg)
    return root


def test_runs_or_fits(composed_cell: Cell, world: Path, tmp_path: Path):
    if composed_cell.network.name == "XS":
        train_and_detect(composed_cell, world, tmp_path)
    else:
        assert_layers_and_ranks(composed_cell)


def train_and_detect(cell: Cell, world: Path, out: Path) -> None:
    solver = cell.train.solver.model_dump() | {"iterations": 2}
    cell = shrink(cell, train={"solver": solver})
    parent_has_bbox = cell.train.parent not in ("backbone", "no_bbox_reg")
    weights = world / f"parent_{parent_has_bbox}.safetensors"
    if cell.train.kind != "none":
        sources = [open_source(world, split, cell.dense) for split in cell.train.splits]
        fast_rcnn.fit(cell, sources, weights, 0, out, out / "resume.safetensors")
        before, _ = load(weights, "XS")
        weights = out / "weights.safetensors"
        after, _ = load(weights, "XS")
        assert all(tensor.isfinite().all() for tensor in after.values())
        assert any(n not in before or not torch.equal(t, before[n]) for n, t in after.items())
        steps = json.loads((out / "train.json").read_text())["steps"]
        assert steps == 2  # two SGD steps, or the two images of one SVM pass
    fast_rcnn.detect(cell, *open_source(world, "test", cell.dense), weights, out)
    assert set(pd.read_parquet(out / "detections.parquet")["class"]) == {"left", "right"}


def assert_layers_and_ranks(cell: Cell) -> None:
    with torch.device("meta"):
        network = FastRCNNNet(cell.network.name, len(cell.data.classes), cell.train.bbox_reg)
    network.freeze_before(cell.train.learn_from)
    learning = [name for name, layer in network.layers() if layer.weight.requires_grad]
    names = [name for name, _ in network.layers()]
    first = FIRST_LEARNING.get(cell.experiment, FIRST_LEARNING[cell.network.name])
    assert learning == names[names.index(first) :]
    for name, rank in cell.network.svd_ranks.items():
        assert rank <= min(getattr(network, name).weight.shape)
