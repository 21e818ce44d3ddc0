"""A step asks nothing of the device: a GPU works through its queue while the CPU goes on."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from frcn.learning import fine_tuning, region_training
from frcn.models.rcnn_net import RCNNNet
from frcn.models.spp_net import SPPNet
from frcn.systems import system
from pipelines import compose
from tiny_world import open_source, shrink, write_posthoc_weights, write_weights, write_world

SYSTEMS = {"fast_rcnn": "default", "rcnn": "rcnn", "spp_net": "spp_net"}
ASKING = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "_unique2"}
"""Operations whose result, or its size, the CPU needs to go on."""


class Operations(TorchDispatchMode):
    """Notes the operations that run, backward ones too."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        self.names.add(name)
        if name in ("index", "index_put", "index_put_", "_index_put_impl_"):
            # A mask has to be counted before it can choose.
            assert all(i is None or i.dtype != torch.bool for i in args[1]), name
        return function(*args, **(kwargs or {}))


@pytest.fixture
def operations(monkeypatch):
    watched = Operations()
    descend = fine_tuning.descend

    def first_step_watched(checkpoint, losses, *others):
        batch = next(checkpoint.sampler)
        with watched:
            loss, _ = losses(batch)
            loss.backward()
            checkpoint.optimiser.step(0)
        return descend(checkpoint, losses, *others)

    for module in (fine_tuning, region_training):
        monkeypatch.setattr(module, "descend", first_step_watched)
    return watched


def test_the_watch_sees_what_asks(operations):
    with operations:
        float(torch.ones(3).sum())
        torch.ones(3).nonzero()
    assert operations.names >= {"_local_scalar_dense", "nonzero"}
    with operations, pytest.raises(AssertionError, match="index"):
        torch.ones(3)[torch.ones(3) > 0]


@pytest.mark.parametrize("name", SYSTEMS)
def test_no_step_asks(repo, tmp_path, operations, name):
    write_world(tmp_path, {"trainval": 3})
    networks = {"rcnn": RCNNNet, "spp_net": SPPNet}
    parent = tmp_path / "parent.safetensors"
    if name in networks:
        write_posthoc_weights(parent, networks[name])
    else:
        write_weights(parent)
    cell = compose.compose_cell("mini", "XS", SYSTEMS[name], repo / "conf")
    sections = {
        "solver": cell.train.solver.model_dump() | {"iterations": 1},
        "scales": {"short_sides": [48], "max_size": 100},
    }
    source = [open_source(tmp_path, "trainval")]
    cell = shrink(cell, train=sections)
    system(name).fit(cell, source, parent, 0, tmp_path / "out", tmp_path / "resume.safetensors")
    assert "_foreach_sub_" in operations.names
    assert not operations.names & ASKING
