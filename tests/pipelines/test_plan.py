"""``frcn plan``: own seconds, numbers of images, and what is asked of a stage."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from frcn import planning
from frcn.errors import UserError
from frcn.planning_table import Cost
from pipelines import plan
from pipelines.compose import compose_cells
from pipelines.plan import Estimates, image_counts

DEVICE = "a device"
KEY = "mini-XS-rcnn-0"


@pytest.fixture(scope="module")
def cells():
    return {"XS-rcnn": compose_cells("mini")["XS-rcnn"]}


@pytest.fixture
def estimates(cells, tmp_path, monkeypatch):
    """Of a profile whose one cell was trained and tested on this device, in an empty folder."""
    monkeypatch.setattr(plan, "device_name", lambda: DEVICE)
    monkeypatch.chdir(tmp_path)
    for stage, values in (("train", {"seconds": 60.0}), ("detect", {"seconds_per_image": 0.5})):
        folder = tmp_path / f"artefacts/mini/{stage}/XS-rcnn-0"
        folder.mkdir(parents=True)
        (folder / f"{stage}.json").write_text(json.dumps(values | {"device": DEVICE}))
    return Estimates("mini", cells)


def test_finished_run_gives_its_own_seconds(estimates):
    train = estimates.of(f"train@{KEY}")
    assert (train.seconds, train.estimated) == (60.0, False)
    # 500 pictures × 800 proposals × 6·6·96 features, float16.
    assert train.scratch == 500 * 800 * 3456 * 2
    detect = estimates.of(f"detect@{KEY}")
    assert (detect.seconds, detect.estimated) == (700 * 0.5, False)
    assert estimates.notes == []


def test_other_stages_have_no_cost(estimates):
    assert estimates.of("configs@mini") == estimates.of("networks") == Cost()


@pytest.mark.parametrize(
    ("of_the_stage", "origin"),
    [
        (SimpleNamespace(basis="100 steps"), "from the stage `timing`, 100 steps"),
        (
            None,
            "the stage `timing` has not run on this device; measured quickly instead, 20 steps",
        ),
    ],
)
def test_notes_say_on_what_each_network_rests(estimates, monkeypatch, of_the_stage, origin):
    quick = SimpleNamespace(basis="20 steps")
    monkeypatch.setattr(plan, "compose_network", lambda name: name)
    monkeypatch.setattr(plan, "timed_here", lambda network, file: of_the_stage)
    monkeypatch.setattr(plan, "quickly_timed", lambda network, kept: quick)
    monkeypatch.setattr(planning, "train_seconds", lambda cell, measured, images: 1.0)
    monkeypatch.setattr(planning, "image_seconds", lambda cell, measured: 1.0)
    for stage in ("train", "detect"):
        (Path("artefacts/mini") / stage / f"XS-rcnn-0/{stage}.json").unlink()
        estimates.of(f"{stage}@{KEY}")
    assert estimates.notes == [f"XS: {origin}"]


def test_step_that_does_not_fit_is_told(estimates, monkeypatch):
    calls = []

    def step_memory(cell):
        calls.append(cell)
        raise torch.OutOfMemoryError

    monkeypatch.setattr(plan, "step_memory", step_memory)
    assert estimates.of(f"train@{KEY}").memory is None
    assert estimates.of(f"train@{KEY}").memory is None
    assert len(calls) == 1
    assert estimates.notes == ["XS-rcnn: a step needs more memory than the GPU has free"]


def test_images_of_the_data_before_those_of_the_config(cells, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = cells["XS-rcnn"].data
    assert image_counts("mini", data) == {"trainval": 500, "extra": 300, "test": 700}
    (tmp_path / "data/mini").mkdir(parents=True)
    manifest = {"splits": {"trainval": {"images": 3}, "test": {"images": 2}}}
    (tmp_path / "data/mini/manifest.json").write_text(json.dumps(manifest))
    assert image_counts("mini", data) == {"trainval": 3, "test": 2}


def test_unknown_number_of_images(cells, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = cells["XS-rcnn"].data.model_dump() | {"source": {"kind": "folder", "path": "here"}}
    data = type(cells["XS-rcnn"].data).model_validate(values)
    with pytest.raises(UserError, match="fetch@mini"):
        image_counts("mini", data)
