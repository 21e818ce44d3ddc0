"""What a plan measures itself: kept for the next, smaller on a CPU, of this device only."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from frcn import quick_timing
from frcn.config import Network, Scales
from frcn.timing.setting import SETTINGS, Setting
from pipelines.compose import compose_cell

CONF = Path(__file__).parents[1] / "conf"

ON_CPU = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU measures at full size")


@pytest.fixture
def network() -> Network:
    return compose_cell("mini", "XS", "default", CONF).network


@pytest.fixture
def _tiny(monkeypatch):
    scales = Scales(short_sides=[64], max_size=120)
    setting = Setting((30, 40), scales, Scales(short_sides=[32, 64], max_size=200), 40, 10)
    monkeypatch.setitem(SETTINGS, "XS", setting)


@ON_CPU
@pytest.mark.usefixtures("_tiny")
def test_quick_timing_is_kept_and_bound_to_the_device(tmp_path, network, monkeypatch):
    kept = tmp_path / "XS.json"
    measured = quick_timing.quickly_timed(network, kept)
    assert measured.setting.scales.short_sides == [32]
    assert (measured.setting.rois, measured.rcnn_batch) == (10, 32)
    assert measured.timing.image == (32, 43)
    content = kept.read_bytes()
    assert quick_timing.quickly_timed(network, kept) == measured
    assert kept.read_bytes() == content
    assert quick_timing.timed_here(network, kept).timing == measured.timing
    assert len(measured.timing.steps[1].seconds) == 20
    kept.write_text(json.dumps(json.loads(content) | {"device": "another"}))
    assert quick_timing.timed_here(network, kept) is None
    assert quick_timing.timed_here(network, tmp_path / "none.json") is None


@pytest.mark.usefixtures("_tiny")
def test_what_earlier_code_measured_is_measured_again(tmp_path, network):
    kept = tmp_path / "XS.json"
    quick_timing.quickly_timed(network, kept)
    values = json.loads(kept.read_text())
    del values["product"]
    kept.write_text(json.dumps(values))
    assert quick_timing.timed_here(network, kept) is None
    assert quick_timing.quickly_timed(network, kept).timing.product.rate > 0
    assert quick_timing.timed_here(network, kept) is not None


@ON_CPU
def test_no_gpu_memory_on_a_cpu():
    assert quick_timing.step_memory(compose_cell("mini", "XS", "default", CONF)) is None


def test_proposals_are_timed_and_counted():
    cell = compose_cell("mini", "XS", "default", CONF)
    picture = quick_timing.typical_picture((60, 80))
    assert (picture.shape, picture.dtype) == ((60, 80, 3), np.uint8)
    seconds, boxes = quick_timing.timed_proposals(cell.proposals, picture)
    assert seconds > 0
    assert boxes > 1
