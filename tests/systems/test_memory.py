"""A GPU whose memory is full: the message says which setting to lower."""

import pytest
import torch

from frcn.errors import UserError
from frcn.machine import within_memory
from frcn.models.region_net import RegionNet
from frcn.systems import detecting, fast_rcnn, system
from pipelines import compose
from tiny_world import open_source, shrink, write_systems

FULL = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 11.91 GiB."
EXPERIMENTS = {"fast_rcnn": "default", "rcnn": "rcnn", "spp_net": "spp_net"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    write_systems(root, {"trainval": 2, "test": 1})
    return root


@pytest.fixture
def _full(monkeypatch):
    def allocate(*_):
        raise torch.OutOfMemoryError(FULL)

    monkeypatch.setattr(RegionNet, "feature_map", allocate)


def cell_of(repo, name):
    scales = {"scales": {"short_sides": [48], "max_size": 64}}
    cell = compose.compose_cell("mini", "XS", EXPERIMENTS[name], repo / "conf")
    return shrink(cell, train=scales, test=scales)


@pytest.mark.usefixtures("_full")
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("fast_rcnn", r"train\.sampling\.images_per_batch or train\.scales"),
        ("rcnn", r"rcnn_batch in conf/network"),
        ("spp_net", r"train\.sampling\.rois_per_batch or train\.scales"),
    ],
)
def test_in_training(repo, world, tmp_path, name, settings):
    cell, parent = cell_of(repo, name), world / f"{name}.safetensors"
    source = [open_source(world, "trainval")]
    with pytest.raises(UserError, match=rf"memory \(CUDA out of memory\)\. Lower {settings}"):
        system(name).fit(cell, source, parent, 0, tmp_path / "out", tmp_path / "resume.safetensors")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("_full")
def test_in_training_svms(repo, world, tmp_path):
    cell, parent = cell_of(repo, "fast_rcnn"), world / "fast_rcnn.safetensors"
    cell = shrink(cell, train={"kind": "svm", "parent": "default"})
    source = [open_source(world, "trainval")]
    with pytest.raises(UserError, match=r"Lower train\.proposals or test\.scales"):
        fast_rcnn.fit(cell, source, parent, 0, tmp_path / "out", tmp_path / "resume.safetensors")


@pytest.mark.usefixtures("_full")
def test_in_testing(repo, world, tmp_path):
    cell, source = cell_of(repo, "fast_rcnn"), open_source(world, "test")
    with pytest.raises(UserError, match=r"Lower test\.proposals or test\.scales"):
        weights, resume = world / "fast_rcnn.safetensors", tmp_path / "resume"
        detecting.detect(cell, *source, weights, tmp_path / "out", resume)
    assert not (tmp_path / "out").exists()


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="shapes"), within_memory("test.proposals"):
        raise RuntimeError("shapes do not fit")
    with within_memory("test.proposals"):
        pass
