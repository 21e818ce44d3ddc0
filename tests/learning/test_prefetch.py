"""Batches drawn ahead: their order, what a checkpoint keeps of them, and a kill in the middle."""

import json
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from frcn.learning import fine_tuning, region_training
from frcn.learning.caffe_sgd import CaffeSGD
from frcn.learning.prefetch import Prefetch
from frcn.models.rcnn_net import RCNNNet
from frcn.models.spp_net import SPPNet
from frcn.systems import system
from pipelines import compose
from tiny_world import open_source, shrink, write_posthoc_weights, write_weights, write_world

CPU = torch.device("cpu")
SYSTEMS = {"fast_rcnn": "default", "rcnn": "rcnn", "spp_net": "spp_net"}


class Counter:
    """Draws 0, 1, 2, …; its state is how many it drew."""

    def __init__(self):
        self.drawn = 0

    def __next__(self):
        self.drawn += 1
        return self.drawn - 1

    def state(self):
        return {"drawn": self.drawn}

    def restore(self, state):
        self.drawn = state["drawn"]


def tensors(number):
    return torch.tensor(number), torch.full((number,), 2.0)


@given(ahead=st.integers(0, 4), first=st.integers(0, 6), then=st.integers(0, 6))
def test_order_and_state_do_not_depend_on_what_lies_ready(ahead, first, then):
    batches = Prefetch(Counter(), tensors, CPU, ahead)
    assert [next(batches)[0].item() for _ in range(first)] == list(range(first))
    assert batches.state() == {"drawn": first}
    batches.close()

    resumed = Prefetch(Counter(), tensors, CPU, ahead)
    resumed.restore({"drawn": first})
    assert [next(resumed)[0].item() for _ in range(then)] == list(range(first, first + then))
    assert resumed.state() == {"drawn": first + then}
    resumed.close()


def test_no_more_lies_ready_than_said():
    counter = Counter()
    batches = Prefetch(counter, tensors, CPU, ahead=2)
    next(batches)
    batches.close()
    assert counter.drawn <= 3


def test_only_a_gpu_has_batches_drawn_ahead():
    counter = Counter()
    for taken in range(1, 4):
        next(batches := Prefetch(counter, tensors, CPU))
        assert counter.drawn == taken
        batches.close()


def test_an_error_of_the_thread_comes_up_at_its_batch():
    def assemble(number):
        if number == 1:
            raise FileNotFoundError("a picture")
        return tensors(number)

    batches = Prefetch(Counter(), assemble, CPU, ahead=3)
    next(batches)
    with pytest.raises(FileNotFoundError, match="a picture"):
        next(batches)
    batches.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    write_world(root, {"trainval": 4})
    write_weights(root / "fast_rcnn.safetensors")
    write_posthoc_weights(root / "rcnn.safetensors", RCNNNet)
    write_posthoc_weights(root / "spp_net.safetensors", SPPNet)
    return root


def fit(repo, world, name, out):
    cell = compose.compose_cell("mini", "XS", SYSTEMS[name], repo / "conf")
    solver = {"iterations": 12, "checkpoint_every": 5, "base_lr": 0.001}
    sections = {
        "solver": cell.train.solver.model_dump() | solver,
        "sampling": cell.train.sampling.model_dump() | {"rois_per_batch": 16},
        "scales": {"short_sides": [40, 48], "max_size": 100},
    }
    cell = shrink(cell, train=sections)
    source = [open_source(world, "trainval")]
    resume = out.parent / "resume.safetensors"
    system(name).fit(cell, source, world / f"{name}.safetensors", 0, out, resume)
    return (out / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("name", SYSTEMS)
def test_killed_between_checkpoints_with_batches_ahead(repo, world, tmp_path, monkeypatch, name):
    whole = fit(repo, world, name, tmp_path / "whole/out")
    for module in (fine_tuning, region_training):
        monkeypatch.setattr(module, "Prefetch", partial(Prefetch, ahead=3))
    step = CaffeSGD.step

    def killed(optimiser, number):
        step(optimiser, number)
        if number == 7:
            raise KeyboardInterrupt

    monkeypatch.setattr(CaffeSGD, "step", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(repo, world, name, tmp_path / "killed/out")
    monkeypatch.setattr(CaffeSGD, "step", step)
    assert list((tmp_path / "killed").rglob("*.safetensors"))
    assert fit(repo, world, name, tmp_path / "killed/out") == whole
    summary = json.loads((tmp_path / "killed/out/train.json").read_text())
    assert 0 < summary["waiting_share"] < 1
