"""Both verbs of the system on a tiny tree: files, columns, thresholds, determinism."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

from frcn.errors import UserError
from frcn.models import weights
from frcn.proposals.store import ProposalStore, write_store
from frcn.systems import detecting, fast_rcnn
from tiny_world import RECIPE, open_dataset, open_source, tiny_cell, write_weights, write_world

CLASSES = ("left", "right")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    write_world(root, {"trainval": 4, "test": 3})
    write_weights(root / "w.safetensors")
    return root


def detect(cell, world, out, name="w.safetensors", source=None) -> pd.DataFrame:
    source = source or open_source(world, "test")
    detecting.detect(cell, *source, world / name, out, out / "resume")
    return pd.read_parquet(out / "detections.parquet")


def test_columns_and_summary(repo, world, tmp_path):
    found = detect(tiny_cell(repo), world, tmp_path)
    assert list(found) == ["image_id", "class", "score", "x1", "y1", "x2", "y2"]
    types = {
        field.name: str(field.type) for field in pq.read_schema(tmp_path / "detections.parquet")
    }
    assert {types.pop("image_id"), types.pop("class")} <= {"string", "large_string"}
    assert set(types.values()) == {"float"}
    assert set(found["image_id"]) == {"test_0", "test_1", "test_2"}
    assert set(found["class"]) == set(CLASSES)
    summary = json.loads((tmp_path / "detect.json").read_text())
    assert summary["n_images"] == 3
    assert summary["proposals_per_image"] == 40
    assert summary["seconds_per_image"] == pytest.approx(sum(summary["phases"].values()))
    tensors, _ = weights.load(world / "w.safetensors", "XS")
    assert summary["parameters"] == sum(tensor.numel() for tensor in tensors.values())


@pytest.mark.parametrize(("max_per_image", "average"), [(100, 40), (10, 40), (100, 4), (3, 1)])
def test_kept_scores_against_a_sort_of_all(repo, world, tmp_path, max_per_image, average):
    cell = tiny_cell(repo, test={"max_per_image": max_per_image, "average_per_image": average})
    found = detect(cell, world, tmp_path)
    dataset, store = open_source(world, "test")
    detector = fast_rcnn.load_detector(cell, world / "w.safetensors")
    for label, name in enumerate(CLASSES, start=1):
        best = []
        for i in range(3):
            scores, boxes = detector.detect(dataset.image(i), store.boxes(i))
            order = np.argsort(-scores[:, label], kind="stable")[:max_per_image]
            best += [(scores[row, label], *boxes[row, 4 * label : 4 * label + 4]) for row in order]
        ranked = sorted((row[0] for row in best), reverse=True)
        capacity = 3 * average
        # Strictly above the capacity-th best, which itself is not kept.
        threshold = ranked[capacity - 1] if len(ranked) > capacity else -np.inf
        expected = np.array([row for row in best if row[0] > threshold]).reshape(-1, 5)
        rows = found.loc[found["class"] == name, ["score", "x1", "y1", "x2", "y2"]].to_numpy()
        np.testing.assert_allclose(rows, expected, atol=1e-4)
        assert len(rows) < capacity or len(ranked) <= capacity


def test_first_proposals_only(repo, world, tmp_path):
    few = detect(tiny_cell(repo, test={"proposals": 5}), world, tmp_path)
    assert (few.groupby(["image_id", "class"]).size() == 5).all()


@pytest.mark.parametrize("empty", [[0], [1], [0, 1, 2]])
def test_images_without_proposals(repo, world, tmp_path, empty):
    dataset, store = open_source(world, "test")
    boxes = [store.boxes(i, 0 if i in empty else 10).astype(np.int16) for i in range(3)]
    write_store(tmp_path / "test.npy", dataset, boxes, RECIPE)
    source = dataset, ProposalStore.open(tmp_path / "test.npy", dataset, RECIPE)
    found = detect(tiny_cell(repo), world, tmp_path, source=source)
    assert len(found) == 20 * (3 - len(empty))
    assert found["score"].dtype == np.float32
    assert set(found["image_id"]) == {f"test_{i}" for i in range(3) if i not in empty}


def test_svd_of_full_rank_changes_nothing(repo, world, tmp_path):
    plain = detect(tiny_cell(repo), world, tmp_path / "plain")
    full = detect(tiny_cell(repo, test={"svd": {"fc6": 256, "fc7": 256}}), world, tmp_path / "svd")
    key = ["image_id", "class", "x1", "y1"]
    plain, full = (frame.sort_values(key, ignore_index=True) for frame in (plain, full))
    assert plain["class"].equals(full["class"])
    columns = ["score", "x1", "y1", "x2", "y2"]
    np.testing.assert_allclose(plain[columns], full[columns], atol=1e-3)


def test_svd_has_fewer_parameters(repo, world, tmp_path):
    counts = []
    for name, svd in (("plain", None), ("svd", {"fc6": 32, "fc7": 16})):
        detect(tiny_cell(repo, test={"svd": svd}), world, tmp_path / name)
        summary = json.loads((tmp_path / name / "detect.json").read_text())
        counts.append(summary["parameters"])
    # u·v become t·(u + v): fc6 has 96·6·6 inputs, both have 256 outputs.
    fc6, fc7 = 3456 * 256 - 32 * (3456 + 256), 256 * 256 - 16 * (256 + 256)
    assert counts[0] - counts[1] == fc6 + fc7


def test_a_seed_gives_its_bytes(repo, world, tmp_path):
    cell = tiny_cell(repo)
    written = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        sources = [open_source(world, "trainval")]
        resume = folder / "resume.safetensors"
        fast_rcnn.fit(cell, sources, world / "w.safetensors", 0, folder, resume)
        source, resume = open_source(world, "test"), folder / "resume"
        detecting.detect(cell, *source, folder / "weights.safetensors", folder, resume)
        names = ("weights.safetensors", "loss.csv", "detections.parquet")
        written.append([(folder / name).read_bytes() for name in names])
    assert written[0] == written[1]


def test_svm_replaces_the_class_scores_only(repo, world, tmp_path):
    cell = tiny_cell(
        repo, train={"kind": "svm", "parent": "default", "flip": False}, test={"scorer": "svm"}
    )
    parent = world / "w.safetensors"
    sources = [open_source(world, "trainval")]
    fast_rcnn.fit(cell, sources, parent, 0, tmp_path, tmp_path / "resume.safetensors")
    before, _ = weights.load(parent, "XS")
    after, _ = weights.load(tmp_path / "weights.safetensors", "XS")
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"cls_score.weight", "cls_score.bias"}
    assert (after["cls_score.weight"][0] == 0).all()
    summary = json.loads((tmp_path / "train.json").read_text())
    assert summary["positives"] == [4, 4]
    source, resume = open_source(world, "test"), tmp_path / "resume"
    detecting.detect(cell, *source, tmp_path / "weights.safetensors", tmp_path, resume)
    assert len(pd.read_parquet(tmp_path / "detections.parquet"))


def test_unfit_weights_are_named(repo, world, tmp_path):
    cell = tiny_cell(repo)
    with pytest.raises(UserError, match=r"nowhere\.safetensors: no such checkpoint"):
        detect(cell, world, tmp_path, "nowhere.safetensors")
    write_weights(world / "five.safetensors", classes=5)
    with pytest.raises(UserError, match=r"five\.safetensors: \w+\.\w+ has shape"):
        detect(cell, world, tmp_path, "five.safetensors")
    write_weights(world / "no_bbox.safetensors", bbox_reg=False)
    with pytest.raises(UserError, match=r"no_bbox\.safetensors: lacks bbox_pred"):
        detect(cell, world, tmp_path, "no_bbox.safetensors")
    # Where boxes are not regressed, such weights are right.
    plain = tiny_cell(repo, test={"bbox_reg": False})
    found = detect(plain, world, tmp_path, "no_bbox.safetensors")
    assert (found[["x1", "y1", "x2", "y2"]] % 1 == 0).all(axis=None)
    assert len(open_dataset(world, "test")) == found["image_id"].nunique()
