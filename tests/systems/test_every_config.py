"""Every cell that conf/ composes really runs: two steps and a detection, or its shapes fit."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from frcn.config import Cell
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.rcnn_net import RCNNNet
from frcn.models.region_net import RegionNet
from frcn.models.spp_net import SPPNet
from frcn.models.weights import load
from frcn.systems import detecting, system
from tiny_world import open_source, shrink, write_posthoc_weights, write_weights, write_world

FIRST_LEARNING = {
    "S": "conv2",
    "M": "conv2",
    "L": "conv3_1",
    "fc_only": "fc6",
    "conv2_up": "conv2_1",
    "piecewise": "bbox_pred",
    "spp_net": "fc6",
}
"""By network, unless the experiment says so (FACTS §1.3, §3.4)."""


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    write_world(root, {"trainval": 2, "extra": 2, "test": 1})
    for bbox_reg in (True, False):
        write_weights(root / f"parent_{bbox_reg}.safetensors", bbox_reg)
    write_posthoc_weights(root / "rcnn.safetensors", RCNNNet)
    write_posthoc_weights(root / "spp_net.safetensors", SPPNet)
    return root


def test_runs_or_fits(composed_cell: Cell, world: Path, tmp_path: Path):
    if composed_cell.network.name == "XS":
        train_and_detect(composed_cell, world, tmp_path)
    else:
        assert_layers_and_ranks(composed_cell)


def parent_of(cell: Cell) -> str:
    """The file of the world that stands for the weights of a cell's parent."""
    if cell.system != "fast_rcnn":
        return f"{cell.system}.safetensors"
    return f"parent_{cell.train.parent not in ('backbone', 'no_bbox_reg')}.safetensors"


def train_and_detect(cell: Cell, world: Path, out: Path) -> None:
    solver = cell.train.solver.model_dump() | {"iterations": 2}
    cell = shrink(cell, train={"solver": solver})
    weights = world / parent_of(cell)
    if cell.train.kind != "none":
        sources = [open_source(world, split, cell.dense) for split in cell.train.splits]
        resume = out / "resume.safetensors"
        system(cell.system).fit(cell, sources, weights, 0, out, resume)
        before, _ = load(weights, "XS")
        weights = out / "weights.safetensors"
        after, _ = load(weights, "XS")
        assert all(tensor.isfinite().all() for tensor in after.values())
        changed = {n for n, t in after.items() if n not in before or not torch.equal(t, before[n])}
        assert changed
        if cell.train.kind == "sgd":
            assert_learning(cell, {name.removesuffix(".weight") for name in changed})
        steps = json.loads((out / "train.json").read_text())["steps"]
        assert steps == 2  # two SGD steps, or the two images of one SVM pass
    detecting.detect(cell, *open_source(world, "test", cell.dense), weights, out, out / "resume")
    assert set(pd.read_parquet(out / "detections.parquet")["class"]) == {"left", "right"}


def assert_learning(cell: Cell, changed: set[str]) -> None:
    """Of the layers that the parent has, those from ``learn_from`` on are others now."""
    names = [name for name, _ in network_of(cell).layers()]
    first = names.index(cell.train.learn_from)
    trunk = {name: f"trunk.{name}" if name.startswith("conv") else name for name in names}
    assert {name for name in names if trunk[name] in changed} == set(names[first:])


def network_of(cell: Cell) -> RegionNet:
    """A network of the cell's system, without memory for its weights."""
    name, classes = cell.network.name, len(cell.data.classes)
    with torch.device("meta"):
        if cell.system == "fast_rcnn":
            return FastRCNNNet(name, classes, cell.train.bbox_reg)
        return {"rcnn": RCNNNet, "spp_net": SPPNet}[cell.system](name, classes)


def assert_layers_and_ranks(cell: Cell) -> None:
    network = network_of(cell)
    network.freeze_before(cell.train.learn_from)
    learning = [name for name, layer in network.layers() if layer.weight.requires_grad]
    names = [name for name, _ in network.layers()]
    first = FIRST_LEARNING.get(cell.experiment, FIRST_LEARNING[cell.network.name])
    # All layers of R-CNN learn (FACTS §2.3).
    assert learning == (names if cell.system == "rcnn" else names[names.index(first) :])
    for name, rank in cell.network.svd_ranks.items():
        assert rank <= min(getattr(network, name).weight.shape)
