"""What ``train.deterministic`` switches, and that a CPU needs none of it."""

import os

import pytest
import torch
from torch.backends import cudnn

from frcn.learning.caffe_sgd import CaffeSGD
from frcn.learning.determinism import fixed_order_of_sums
from frcn.systems import fast_rcnn
from tiny_world import open_source, tiny_cell, write_weights, write_world


def switches():
    return torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, cudnn.benchmark


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    monkeypatch.setattr(cudnn, "benchmark", True)


def test_switches_hold_inside_and_not_after():
    before = switches()
    with pytest.raises(ZeroDivisionError), fixed_order_of_sums(True):
        assert switches() == (True, True, False)
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        raise ZeroDivisionError
    assert switches() == before == (False, False, True)
    with fixed_order_of_sums(False):
        assert switches() == before


def test_a_training_takes_its_steps_inside_and_a_cpu_gives_the_same_bytes(
    repo, tmp_path, monkeypatch
):
    write_world(tmp_path, {"trainval": 3})
    write_weights(tmp_path / "parent.safetensors")
    seen = []
    step = CaffeSGD.step

    def spy(optimiser, number):
        seen.append(switches())
        step(optimiser, number)

    monkeypatch.setattr(CaffeSGD, "step", spy)
    written = []
    for deterministic in (False, True):
        cell = tiny_cell(repo, train={"deterministic": deterministic})
        out = tmp_path / str(deterministic)
        source = [open_source(tmp_path, "trainval")]
        fast_rcnn.fit(cell, source, tmp_path / "parent.safetensors", 0, out, tmp_path / "resume")
        written.append((out / "weights.safetensors").read_bytes())
    assert seen == [(False, False, True)] * 2 + [(True, True, False)] * 2
    assert written[0] == written[1]
