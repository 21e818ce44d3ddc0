"""The whole stage on a tiny picture: every row is there, and sums are right."""

import pytest
import torch

from frcn.timing import detection, load, minibatch_cost
from frcn.timing.detection import PHASES
from frcn.timing.measure import measure
from frcn.timing.multiply_adds import conv_layers

SYSTEMS = ("fast_rcnn", "fast_rcnn_svd", "rcnn", "spp_net")


@pytest.fixture
def timing(tmp_path, setting, network):
    measure(network, setting, tmp_path / "XS.json")
    return load(tmp_path / "XS.json")


def test_rows_of_all_systems_and_phases(timing):
    rows = {(row.system, row.phase): row for row in timing.rows}
    detecting = {(system, phase) for system in SYSTEMS for phase in (*PHASES, "total")}
    trained = {
        (s, phase) for s in SYSTEMS if s != "fast_rcnn_svd" for phase in ("step", "training")
    }
    assert set(rows) == detecting | trained
    assert len(timing.rows) == len(rows)
    for system in SYSTEMS:
        parts = [rows[system, phase] for phase in PHASES]
        total = rows[system, "total"]
        sums = [sum(values) for values in zip(*(part.seconds for part in parts), strict=True)]
        assert total.seconds == pytest.approx(sums)
        assert len(total.seconds) == 5
        counts = [part.multiply_adds for part in parts if part.phase != "pool"]
        assert total.multiply_adds == sum(counts)
        assert rows[system, "pool"].multiply_adds is None
    assert (timing.image, timing.rois) == ((48, 64), 25)
    assert timing.unique_rois <= 25
    # Counts are those of all 25 regions, on which the 10 that a CPU sees are projected.
    rcnn = rows["rcnn", "conv"]
    assert rcnn.multiply_adds == 25 * sum(conv_layers("XS", 1, 48, 48).values())
    if not torch.cuda.is_available():
        assert rcnn.extrapolated
        assert rcnn.note == "measured on 10 regions, times 25/10"
    steps = rows["fast_rcnn", "step"].seconds
    assert rows["fast_rcnn", "training"].seconds == [40_000 * step for step in steps]


def test_steps_of_all_numbers_of_images(timing):
    assert [step.images for step in timing.steps] == [1, 2, 4, 16, 64, 128]
    assert not any(step.extrapolated for step in timing.steps)
    assert [len(step.seconds) for step in timing.steps] == [5, 20, 5, 5, 5, 5]
    by_images = {step.images: step for step in timing.steps}
    row = next(r for r in timing.rows if (r.system, r.phase) == ("fast_rcnn", "step"))
    assert row.seconds == by_images[2].seconds
    assert row.multiply_adds == by_images[2].multiply_adds
    # The head costs the same for all N.
    one, two, four = (by_images[n].multiply_adds for n in (1, 2, 4))
    assert four - two == 2 * (two - one)


def test_a_sample_of_regions_is_multiplied(setting, work, monkeypatch):
    ones = {phase: [1.0, 2.0] for phase in PHASES}
    monkeypatch.setattr(detection, "repeat", lambda run: ones)
    rows = detection.time_rcnn(setting, work, "XS", torch.device("cpu"))
    assert [row.seconds for row in rows] == [[2.5, 5.0]] * 5 + [[12.5, 25.0]]


def test_long_steps_are_not_measured(setting, work, network, monkeypatch):
    called = []

    def fake(config, setting, work, images, device, repeats):
        called.append(images)
        return [3.0 * images]

    monkeypatch.setattr(minibatch_cost, "fast_rcnn_steps", fake)
    steps = minibatch_cost.minibatch_cost(network, setting, work, torch.device("cpu"))
    assert called == [1, 2, 4]  # 16 would take 48 s
    assert [step.extrapolated for step in steps] == [False] * 3 + [True] * 3
    assert [step.seconds for step in steps[3:]] == [[pytest.approx(3.0 * n)] for n in (16, 64, 128)]


def test_a_full_memory_ends_the_measurements(setting, work, network, monkeypatch):
    def fake(config, setting, work, images, device, repeats):
        if images > 4:
            raise torch.OutOfMemoryError
        return [0.01 * images]

    monkeypatch.setattr(minibatch_cost, "fast_rcnn_steps", fake)
    steps = minibatch_cost.minibatch_cost(network, setting, work, torch.device("cpu"))
    assert [step.images for step in steps if step.extrapolated] == [16, 64, 128]
    assert steps[-1].seconds == [pytest.approx(1.28)]
