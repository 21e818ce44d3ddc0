"""A world small enough to train in: tiny pictures, proposals, random XS weights, a config."""

from pathlib import Path

import numpy as np
import torch

from frcn.config import Cell, DenseBoxes, SelectiveSearch
from frcn.data.testing import TINY_CLASSES, TINY_SIZE, write_tiny_tree
from frcn.data.voc import VOCDataset
from frcn.learning.starting_network import OUTPUTS
from frcn.models import weights
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.posthoc_net import PosthocNet
from frcn.models.rcnn_net import RCNNNet
from frcn.models.spp_net import SPPNet
from frcn.proposals.source import ProposalSource, WithDenseBoxes
from frcn.proposals.store import ProposalStore, write_store

# What the tiny stores call themselves; no search made their boxes.
RECIPE = SelectiveSearch(name="jittered", method="selective_search", preset="fast")
# A source of pre-trained weights for networks that get theirs from the test.
PRETRAINING = {
    "kind": "pretraining",
    "images": 20,
    "image_size": 16,
    "batch_size": 4,
    "steps": 3,
    "learning_rate": 0.01,
}
PREPROCESSING = weights.Preprocessing((60.0, 61.0, 62.0), (50.0, 51.0, 52.0))


def write_world(root: Path, image_sets: dict[str, int]) -> None:
    """A tiny tree under ``root/tree`` and jittered objects as proposals beside it."""
    write_tiny_tree(root / "tree", image_sets)
    for image_set in image_sets:
        dataset = open_dataset(root, image_set)
        rng = np.random.default_rng(0)
        boxes = [jitter(dataset.annotation(i).boxes, rng) for i in range(len(dataset))]
        write_store(root / f"{image_set}.npy", dataset, boxes, RECIPE)


def jitter(objects: np.ndarray, rng: np.random.Generator, count: int = 40) -> np.ndarray:
    """(count, 4) int16 boxes inside a tiny picture, near and far from its objects."""
    height, width = TINY_SIZE
    chosen = objects[rng.integers(len(objects), size=count)]
    moved = chosen + rng.integers(-5, 6, chosen.shape)
    return np.clip(moved, 0, [width - 1, height - 1] * 2).astype(np.int16)


def open_dataset(root: Path, image_set: str) -> VOCDataset:
    return VOCDataset(root / "tree", image_set, TINY_CLASSES)


def open_source(
    root: Path, image_set: str, dense: DenseBoxes | None = None
) -> tuple[VOCDataset, ProposalSource]:
    dataset = open_dataset(root, image_set)
    store = ProposalStore.open(root / f"{image_set}.npy", dataset, RECIPE)
    return dataset, WithDenseBoxes(store, dataset, dense) if dense else store


def write_weights(path: Path, bbox_reg: bool = True, classes: int = len(TINY_CLASSES)) -> None:
    """Random XS weights, the same at each call."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = FastRCNNNet("XS", classes, bbox_reg)
    weights.save(path, network.state_dict(), "XS", PREPROCESSING)


def write_posthoc_weights(path: Path, network: type[PosthocNet]) -> None:
    """A random XS backbone of R-CNN or SPP-net, the same at each call; it has no outputs."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tensors = network("XS", len(TINY_CLASSES)).state_dict()
    backbone = {n: tensor for n, tensor in tensors.items() if not n.startswith(OUTPUTS)}
    weights.save(path, backbone, "XS", PREPROCESSING)


def write_systems(root: Path, image_sets: dict[str, int]) -> None:
    """A tiny world, and in ``<system>.safetensors`` weights for each of the three systems."""
    write_world(root, image_sets)
    write_weights(root / "fast_rcnn.safetensors")
    write_posthoc_weights(root / "rcnn.safetensors", RCNNNet)
    write_posthoc_weights(root / "spp_net.safetensors", SPPNet)


def shrink(cell: Cell, **sections: dict) -> Cell:
    """The cell with the tiny tree as its data; ``sections`` update its sections, one level deep."""
    values = cell.model_dump()
    values["data"]["classes"] = list(TINY_CLASSES)
    # The profile's groups are of other classes.
    values["score"]["similar_classes"] = []
    for name, changes in sections.items():
        values[name] |= changes
    return Cell.model_validate(values)


def tiny_cell(repo: Path, train: dict | None = None, test: dict | None = None) -> Cell:
    """XS-default of profile mini at the tiny pictures' own size, two steps long."""
    from pipelines import compose  # noqa: PLC0415 - conftest makes it importable

    scales = {"short_sides": [48], "max_size": 64}
    cell = compose.compose_cell("mini", "XS", "default", repo / "conf")
    solver = {"iterations": 2, "checkpoint_every": 10}
    base = {"scales": scales, "sampling": {"rois_per_batch": 32}, "solver": solver}
    return shrink(cell, train=base | (train or {}), test={"scales": scales} | (test or {}))
