"""A tiny setting of network XS: every phase runs in milliseconds."""

import pytest

from frcn.config import Network, Scales
from frcn.timing.setting import Setting
from frcn.timing.workload import Workload, workload
from tiny_world import PRETRAINING


@pytest.fixture
def setting() -> Setting:
    return Setting(
        picture=(30, 40),
        scales=Scales(short_sides=[48], max_size=100),
        pyramid=Scales(short_sides=[32, 48, 64], max_size=200),
        rois=25,
        cpu_regions=10,
    )


@pytest.fixture
def work(setting: Setting) -> Workload:
    return workload(setting)


@pytest.fixture
def network() -> Network:
    return Network(
        name="XS",
        first_layer="conv1_1",
        learn_from="conv3_1",
        rcnn_batch=4,
        svd_ranks={"fc6": 8, "fc7": 4},
        weights=PRETRAINING,
    )
