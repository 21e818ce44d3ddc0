"""R-CNN and SPP-net from end to end on a tiny tree: files, determinism, an interruption, errors."""

import json
import shutil
from collections import namedtuple

import numpy as np
import pandas as pd
import pytest
import torch

from frcn.errors import UserError
from frcn.learning import region_training
from frcn.learning.bbox_regressor import fit_bbox_regressors
from frcn.models import weights
from frcn.models.rcnn_net import RCNNNet
from frcn.models.spp_net import SPPNet
from frcn.systems import detecting, system
from pipelines import compose
from tiny_world import open_source, shrink, write_posthoc_weights, write_world

SYSTEMS = ("rcnn", "spp_net")
FILES = ("weights.safetensors", "loss.csv", "detections.parquet")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    write_world(root, {"trainval": 4, "test": 3})
    for name, network in (("rcnn", RCNNNet), ("spp_net", SPPNet)):
        write_posthoc_weights(root / f"{name}.safetensors", network)
    return root


def tiny(repo, name):
    cell = compose.compose_cell("mini", "XS", name, repo / "conf")
    solver = cell.train.solver.model_dump() | {"iterations": 3, "base_lr": 0.001}
    train = {"solver": solver}
    test = {}
    if name == "spp_net":
        train["scales"] = test["scales"] = {"short_sides": [32, 48, 64], "max_size": 100000}
    sampling = cell.train.sampling.model_dump() | {"rois_per_batch": 16}
    return shrink(cell, train=train | {"sampling": sampling}, test=test)


def fit(cell, world, out, seed=0):
    resume = out.parent / "resume" / "run.safetensors"
    sources = [open_source(world, "trainval")]
    system(cell.system).fit(cell, sources, world / f"{cell.system}.safetensors", seed, out, resume)


def fit_and_detect(cell, world, out):
    fit(cell, world, out)
    source = open_source(world, "test")
    detecting.detect(cell, *source, out / "weights.safetensors", out, out / "resume")
    return [(out / name).read_bytes() for name in FILES]


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_is_written(repo, world, tmp_path, name):
    fit_and_detect(tiny(repo, name), world, tmp_path / "out")
    summary = json.loads((tmp_path / "out/train.json").read_text())
    first = {"rcnn": ["fine_tune", "features"], "spp_net": ["features", "fine_tune"]}[name]
    assert list(summary["phases"]) == [*first, "svm", "bbox_regressor"]
    assert summary["seconds"] == pytest.approx(sum(summary["phases"].values()))
    assert summary["steps"] == 3
    assert summary["positives"] == [4, 4]
    found = pd.read_parquet(tmp_path / "out/detections.parquet")
    assert set(found["class"]) == {"left", "right"}
    assert np.isfinite(found["score"]).all()
    # Nothing of what was kept for an interruption is left.
    assert not list((tmp_path / "resume").rglob("*.*"))


@pytest.mark.parametrize("name", SYSTEMS)
def test_conv_layers_learn_in_rcnn_only(repo, world, tmp_path, name):
    fit(tiny(repo, name), world, tmp_path / "out")
    before, _ = weights.load(world / f"{name}.safetensors", "XS")
    after, _ = weights.load(tmp_path / "out/weights.safetensors", "XS")
    changed = {n for n, t in after.items() if n in before and not torch.equal(t, before[n])}
    assert {"fc6.weight", "fc7.weight"} <= changed
    assert ("trunk.conv1_1.weight" in changed) == (name == "rcnn")
    assert (after["cls_score.weight"][0] == 0).all()


@pytest.mark.parametrize("name", SYSTEMS)
def test_an_interrupted_training_ends_with_the_same_bytes(repo, world, tmp_path, name, monkeypatch):
    cell = tiny(repo, name)
    whole = fit_and_detect(cell, world, tmp_path / "whole/out")

    class Interrupted(Exception):
        pass

    def stop(*args):
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(region_training, "fit_svms", stop)
        with pytest.raises(Interrupted):
            fit(cell, world, tmp_path / "again/out")
    kept = list((tmp_path / "again/resume").rglob("features.f16"))
    assert len(kept) == 1
    assert fit_and_detect(cell, world, tmp_path / "again/out") == whole


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_class_without_objects_has_no_svm_and_no_detections(repo, world, tmp_path, name):
    cell = tiny(repo, name)
    data = cell.data.model_dump() | {"classes": ["left", "right", "nowhere"]}
    cell = cell.model_validate(cell.model_dump() | {"data": data})
    fit(cell, world, tmp_path / "out")
    after, _ = weights.load(tmp_path / "out/weights.safetensors", "XS")
    assert after["cls_score.bias"][3] == -np.inf
    source = open_source(world, "test")
    weights_file, resume = tmp_path / "out/weights.safetensors", tmp_path / "resume"
    detecting.detect(cell, *source, weights_file, tmp_path, resume)
    assert "nowhere" not in set(pd.read_parquet(tmp_path / "detections.parquet")["class"])


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_disk_too_small_for_features_is_told_before_the_first_step(
    repo, world, tmp_path, name, monkeypatch, capsys
):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1000, 999, 1))
    with pytest.raises(UserError, match=r"GB for features, the disk has 0\.00 GB"):
        fit(tiny(repo, name), world, tmp_path / "out")
    assert f"train {name}" not in capsys.readouterr().err


@pytest.mark.parametrize("name", SYSTEMS)
def test_regressors_learn_true_targets_below_the_threshold_of_foreground(
    repo, world, tmp_path, name, monkeypatch
):
    cell = tiny(repo, name)
    sampling = cell.train.sampling.model_copy(update={"fg_threshold": 0.9})
    cell = cell.model_copy(update={"train": cell.train.model_copy(update={"sampling": sampling})})
    seen = []

    def examples(roidb, *rest):
        for entry in roidb:
            rows = entry.overlaps > cell.train.regressor.min_overlap
            seen.append(entry.is_target[rows].all())
        return fit_bbox_regressors(roidb, *rest)

    monkeypatch.setattr(region_training, "fit_bbox_regressors", examples)
    fit(cell, world, tmp_path / "out")
    assert seen and all(seen)


@pytest.mark.parametrize("name", SYSTEMS)
def test_unfit_weights_are_named(repo, world, tmp_path, name):
    cell = tiny(repo, name)
    with pytest.raises(UserError, match=r"nowhere\.safetensors: no such checkpoint"):
        system(name).load_detector(cell, tmp_path / "nowhere.safetensors")
    with pytest.raises(UserError, match=r"has shape|lacks (bbox_regressor|cls_score)"):
        system(name).load_detector(cell, world / "rcnn.safetensors")
