"""Two processes that torchrun starts, over gloo, against one that sees the same images."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from frcn.config import Sampling
from frcn.errors import UserError
from frcn.learning.processes import ALONE, Processes, refuse_several, started
from frcn.models import weights
from frcn.models.region_net import RegionNet
from frcn.systems import fast_rcnn
from tiny_world import open_source
from two_processes import cell_of, in_two, write_processes_world


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_processes_world(tmp_path_factory.mktemp("world"))


def frozen(before, after):
    return {name for name in before if torch.equal(before[name], after[name])}


def test_two_processes_take_the_steps_of_one_with_twice_the_images(
    repo, world, tmp_path, monkeypatch
):
    # 40 RoIs of an image are more than there are, so that images differ in how many they give.
    half = {"images_per_batch": 1, "rois_per_batch": 40}
    result = in_two(cell_of(repo, half), world, tmp_path / "two", dropout=0)
    assert result.returncode == 0, result.stderr
    hint = "2 processes: mini-batches of 2 images instead of 1."
    assert result.stderr.count(f"{hint} By the linear rule, train.solver would have") == 1
    assert "base_lr 0.02, step_size 600, iterations 3" in result.stderr

    monkeypatch.setattr("frcn.models.region_net.DROPOUT", 0.0)
    whole = cell_of(repo, {"images_per_batch": 2, "rois_per_batch": 80})
    source, one, two = open_source(world, "trainval"), tmp_path / "one", tmp_path / "two/out"
    fast_rcnn.fit(whole, [source], world / "parent.safetensors", 0, one, tmp_path / "resume")
    before, _ = weights.load(world / "parent.safetensors", "XS")
    expected, _ = weights.load(one / "weights.safetensors", "XS")
    found, _ = weights.load(two / "weights.safetensors", "XS")
    assert found.keys() == expected.keys()
    errors = {}
    for name in before.keys() - frozen(before, expected):
        step, expected_step = found[name] - before[name], expected[name] - before[name]
        errors[name] = float((step - expected_step).norm() / expected_step.norm())
    assert "fc7.weight" in errors
    assert max(errors.values()) < 1e-3, errors
    losses, expected_losses = (pd.read_csv(out / "loss.csv") for out in (two, one))
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-5)
    counts = [json.loads((out / "train.json").read_text())["processes"] for out in (two, one)]
    assert counts == [2, 1]


def test_shares_make_up_the_mini_batch():
    sampling = Sampling(images_per_batch=2, rois_per_batch=128)
    everyone = [Processes(rank, 3) for rank in range(3)]
    widened = everyone[1].widened(sampling)
    assert (widened.images_per_batch, widened.rois_per_batch) == (6, 384)
    assert [p.share(list(range(6))) for p in everyone] == [[0, 1], [2, 3], [4, 5]]
    for images in (5, 0, 2):
        with pytest.raises(UserError, match="Start fewer processes"):
            everyone[0].share(list(range(images)))


def test_one_process_leaves_everything_as_it_is():
    network, values, sampling = RegionNet("XS", 2), torch.ones(2), Sampling()
    assert ALONE.replicated(network) is network
    assert ALONE.mean(values) is values
    assert ALONE.widened(sampling) == sampling
    assert ALONE.gathered({"random": values}) == {"random": values}


def test_what_cannot_share_the_work_says_so(monkeypatch):
    refuse_several("train.kind svm")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match=r"train\.kind svm in 2 processes.*without torchrun"):
        refuse_several("train.kind svm")


def test_each_process_needs_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    with pytest.raises(UserError, match=r"2 processes.*1 GPUs.*--nproc-per-node 1"), started():
        pass
