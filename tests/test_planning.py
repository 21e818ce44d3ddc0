"""Estimates against numbers worked by hand, for composed cells and made-up measurements."""

from pathlib import Path

import pytest
import yaml

from frcn import planning
from frcn.config import Cell, Scales
from frcn.planning import Measured
from frcn.planning_table import LAST, ORDER, Cost, Planned, plan_table, size, total_cost
from frcn.timing.measurements import Product, Row, Step, Timing
from frcn.timing.setting import PAPER
from pipelines.compose import compose_cell

REPO = Path(__file__).parents[1]
CONF = REPO / "conf"
IMAGES = 5011
# Multiply-adds of a step on 2 inputs of 600 × 800, as the stage `timing` counts them.
L_STEP = 730034896896


def cell(network: str, experiment: str, profile: str = "voc07") -> Cell:
    return compose_cell(profile, network, experiment, CONF)


def row(system: str, phase: str, *seconds: float) -> Row:
    return Row(system=system, phase=phase, seconds=seconds, extrapolated=False, multiply_adds=None)


@pytest.fixture
def measured() -> Measured:
    """An image takes 1, 2, 4, 8 and 16 s by phase; half of it with SVD, tenfold with R-CNN."""
    phases = {"conv": 1, "pool": 2, "fc6": 4, "fc7": 8, "other": 16}
    rows = [
        row(system, phase, factor * seconds)
        for system, factor in {
            "fast_rcnn": 1,
            "fast_rcnn_svd": 0.5,
            "spp_net": 1,
            "rcnn": 10,
        }.items()
        for phase, seconds in phases.items()
    ]
    rows += [row("rcnn", "total", 310), row("rcnn", "step", 3, 1, 2), row("spp_net", "step", 0.5)]
    steps = [
        Step(images=images, seconds=seconds, extrapolated=False, multiply_adds=images * L_STEP // 2)
        for images, seconds in ((1, [0.7]), (2, [3, 1, 1.2]))
    ]
    timing = Timing(
        network="L", device="a device", threads=2, precision="float32", torch="2", rows=rows,
        steps=steps, image=(600, 800), rois=1000, unique_rois=800,
        product=Product(side=1000, seconds=[0.01]),
    )  # fmt: skip
    return Measured(timing, PAPER, rcnn_batch=12)


def test_the_basis_is_the_step_of_two_images(measured):
    assert measured.basis == (
        "median of 3 SGD steps on 2 images of 600 × 800 pixels, a device, 2 threads"
    )


def test_fast_rcnn_takes_its_steps(measured):
    """40,000 steps of 1.2 s (the median), the same size, images and layers as were timed."""
    assert planning.train_seconds(cell("L", "default"), measured, IMAGES) == pytest.approx(48000)


def test_fewer_layers_that_learn_cost_less(measured):
    """Without learning convolutions two of three passes of them are gone: fewer than half."""
    of_all = planning.train_seconds(cell("L", "default"), measured, IMAGES)
    of_fc = planning.train_seconds(cell("L", "fc_only"), measured, IMAGES)
    assert of_fc < 0.5 * of_all


def test_trainings_of_rcnn_and_spp_net(measured):
    """R-CNN's batch of 24 is twice the timed one; 2000 proposals are twice the timed number.

    Step 2 s × 2 × 70,000; features 2 × (10 + 20 + 40 + 80) s an image. SPP-net: 90,000 steps of
    0.5 s, maps of both orientations 2 × 1 s, and windows 2 × (2 + 4 + 8) s an image.
    """
    assert planning.train_seconds(cell("L", "rcnn"), measured, 10) == pytest.approx(280000 + 3000)
    assert planning.train_seconds(cell("L", "spp_net"), measured, 10) == pytest.approx(
        45000 + 10 * (2 + 28)
    )


def test_svms_need_a_pass_and_svd_no_training(measured):
    """A pass: conv and other 17 s, and for twice the proposals 2 × (2 + 4 + 8) s."""
    assert planning.train_seconds(cell("L", "svm"), measured, 10) == pytest.approx(10 * 45)
    assert planning.train_seconds(cell("L", "svd"), measured, 10) == 0


@pytest.mark.parametrize(
    ("network", "experiment", "seconds"),
    [("L", "default", 17 + 28), ("L", "svd", 8.5 + 14), ("L", "rcnn", 620), ("L", "spp_net", 45)],
)
def test_seconds_of_a_test_image(measured, network, experiment, seconds):
    assert planning.image_seconds(cell(network, experiment), measured) == pytest.approx(seconds)


def test_pixels_of_scales(measured):
    """300 px have a quarter of the pixels of 600; both together 1.25 times."""
    usual = cell("L", "default")
    two = Scales(short_sides=[300, 600], max_size=1000)
    test = usual.test.model_copy(update={"scales": two})
    seconds = planning.image_seconds(usual.model_copy(update={"test": test}), measured)
    assert seconds == pytest.approx(1.25 * 17 + 28)


@pytest.mark.parametrize(
    ("experiment", "expected"),
    [("default", 2000), ("dense_2k", 4000), ("dense_only", 45000), ("nearest_dense", 2000)],
)
def test_proposals_of_an_image(experiment, expected):
    composed = cell("M", experiment)
    assert planning.proposals_per_image(composed) == expected


def test_disk():
    """VGG16's weights by layer; 21 scores and 84 deltas; map cells are a sixteenth of the sides."""
    convolutions = 14714688
    head = 25088 * 4096 + 4096 + 4096 * 4096 + 4096
    outputs = 4096 * (21 + 84) + 21 + 84
    assert planning.weights_bytes(cell("L", "default")) == 4 * (convolutions + head + outputs)
    assert planning.weights_bytes(cell("L", "svd")) == 0
    assert planning.cache_bytes(cell("L", "default"), PAPER, IMAGES) == 0
    assert planning.cache_bytes(cell("L", "rcnn"), PAPER, IMAGES) == IMAGES * 2000 * 25088 * 2
    sides = ((480, 640), (576, 768), (688, 917), (874, 1165), (1200, 1600))
    cells = sum(height * width for height, width in sides) / 256
    expected = IMAGES * 2 * cells * 512 * 2
    found = planning.cache_bytes(cell("L", "spp_net"), PAPER, IMAGES)
    assert found == pytest.approx(expected, rel=1e-3)
    assert planning.detections_bytes(cell("L", "default"), 4952) == 24 * 4952 * 40 * 20
    assert planning.proposals_bytes(10, 2000) == 160000


def test_pretraining_at_the_speed_of_a_step(measured):
    """XS on 48 × 48 pictures, counted by hand: three passes, the first layer's input without."""
    network = cell("XS", "default", "mini").network
    forward = {  # pixels × inputs × outputs × 9
        "conv1": 48**2 * 3 * 16 * 9, "conv2": 24**2 * 16 * 32 * 9, "conv3": 12**2 * 32 * 64 * 9,
        "conv4": 6**2 * 64 * 96 * 9, "conv5": 6**2 * 96 * 96 * 9,
        "fc6": 96 * 36 * 256, "fc7": 256 * 256,
    }  # fmt: skip
    step = 64 * (3 * sum(forward.values()) - forward["conv1"])
    expected = 1000 * step * 1.2 / L_STEP
    assert planning.pretraining_seconds(network, measured) == pytest.approx(expected)


def test_total_adds_what_stays_and_takes_the_largest_of_what_passes():
    costs = [Cost(10.0, False, 5, 7, 3), Cost(20.0, True, 6, 9, None), Cost()]
    assert total_cost(costs) == Cost(30.0, True, 11, 9, 3)
    assert total_cost([Cost(), Cost()]).seconds is None
    assert not total_cost([Cost(10.0, False), Cost()]).estimated


def test_the_table_knows_every_stage_of_the_graph():
    stages = yaml.safe_load((REPO / "dvc.yaml").read_text())["stages"]
    assert set(stages) == {*ORDER, *LAST}


def test_table():
    planned = [
        Planned("train@p-XS-a-0", "stale", Cost(90.0, False, 4_500_000, 0, None)),
        Planned("configs@p", "never run", Cost()),
        Planned("detect@p-XS-a-0", "never run", Cost(10.0, True, 2000)),
    ]
    assert plan_table(planned, ["a note"]).splitlines() == [
        "stage    of        state         time      disk  scratch    GPU memory",
        "configs  p         never run        –         –        –             –",
        "train    p-XS-a-0  stale         90 s  ≈ 4.5 MB        –  not measured",
        "detect   p-XS-a-0  never run   ≈ 10 s    ≈ 2 kB        –             –",
        "total              3 stages   ≈ 100 s  ≈ 4.5 MB        –  not measured",
        "",
        "≈ estimated; – not estimated (seconds to minutes, downloads left out)",
        "scratch: files that R-CNN and SPP-net delete when their training ends",
        "a note",
    ]


@pytest.mark.parametrize(
    ("count", "expected"),
    [(999, "999 B"), (1000, "1 kB"), (999_600, "1 MB"), (503e9, "503 GB"), (2.5e12, "2.5 TB")],
)
def test_sizes(count, expected):
    assert size(count) == expected
