"""The detectors that are timed: whole phases, the right shapes."""

import numpy as np
import pytest
import torch

from frcn import config
from frcn.models import truncated_svd
from frcn.models.rcnn_net import RCNNNet
from frcn.models.spp_net import SPPNet
from frcn.models.weights import PREPROCESSING
from frcn.systems import fast_rcnn, rcnn, spp_net
from frcn.timing.detection import PHASES, detection_seconds
from frcn.timing.networks import CLASSES, compressed_network, fast_rcnn_network

CPU = torch.device("cpu")


def detectors(setting, network):
    test = config.Test(split="test", proposals=setting.rois, scales=setting.scales)
    compressed = compressed_network("XS", network.svd_ranks)
    return {
        "fast_rcnn": fast_rcnn.Detector(fast_rcnn_network("XS"), PREPROCESSING, test, CPU),
        "fast_rcnn_svd": fast_rcnn.Detector(compressed, PREPROCESSING, test, CPU),
        "rcnn": rcnn.Detector(RCNNNet("XS", CLASSES), PREPROCESSING, CPU),
        "spp_net": spp_net.Detector(SPPNet("XS", CLASSES), PREPROCESSING, setting.pyramid, CPU),
    }


@pytest.mark.parametrize("name", ["fast_rcnn", "fast_rcnn_svd", "rcnn", "spp_net"])
def test_every_second_of_a_detector_is_in_a_phase(setting, work, network, name):
    detector = detectors(setting, network)[name]
    scores, boxes = detector.detect(work.picture, work.boxes)
    assert scores.shape == (setting.rois, 21)
    assert boxes.shape == (setting.rois, 84)
    seconds = detection_seconds(detector, work)
    assert tuple(seconds) == PHASES
    assert all(len(values) == 5 and min(values) > 0 for values in seconds.values())
    # The last repeat's seconds are still the detector's own.
    last = sum(values[-1] for values in seconds.values())
    assert last == pytest.approx(sum(detector.seconds.values()))


def test_factors_have_the_shapes_of_the_truncated_svd(network):
    expected = fast_rcnn_network("XS")
    truncated_svd.compress(expected, network.svd_ranks)
    found = compressed_network("XS", network.svd_ranks)
    shapes = [{n: p.shape for n, p in net.named_parameters()} for net in (expected, found)]
    assert shapes[0] == shapes[1]


def test_phases_of_a_detector_are_sorted_into_ours():
    class Fake:
        def __init__(self):
            self.seconds = {}

        def detect(self, image, proposals):
            for name, value in (("image", 1), ("conv", 2), ("roi_pool", 4), ("fc6", 8)):
                self.seconds[name] = value
            self.seconds |= {"fc7": 16, "outputs": 32, "decode": 64}

    work = type("Work", (), {"picture": None, "boxes": np.zeros((0, 4))})
    found = detection_seconds(Fake(), work)
    expected = {"conv": 2, "pool": 4, "fc6": 8, "fc7": 16, "other": 97}
    assert {phase: values[0] for phase, values in found.items()} == expected
