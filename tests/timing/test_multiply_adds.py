"""Multiply-adds against hand-worked and published numbers."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from frcn.config import Network
from frcn.models.spp_net import SPPNet
from frcn.timing.minibatch_cost import step_multiply_adds
from frcn.timing.multiply_adds import conv_layers, head_layers, sgd_step
from frcn.timing.networks import compressed_network, fast_rcnn_network
from tiny_world import PRETRAINING

RANKS = {"fc6": 1024, "fc7": 256}


def test_vgg16_at_224():
    """15.3 G, the usual number; its first layer is 224² positions of 64 filters 3 × 3 × 3."""
    layers = conv_layers("L", 1, 224, 224)
    assert len(layers) == 13
    assert layers["conv1_1"] == 224 * 224 * 64 * 27
    assert layers["conv5_3"] == 14 * 14 * 512 * 512 * 9
    assert sum(layers.values()) == pytest.approx(15.3e9, rel=0.005)


def test_grouped_and_strided_convolutions():
    # CaffeNet at 227: 57 × 57 with stride 4, pooled to 29 × 29; conv2 sees half of 96 channels.
    layers = conv_layers("S", 3, 227, 227)
    assert layers["conv1"] == 3 * 57 * 57 * 96 * 3 * 11 * 11
    assert layers["conv2"] == 3 * 29 * 29 * 256 * 48 * 5 * 5


@pytest.mark.parametrize(
    ("name", "full", "truncated"),
    [("S", 54.5e6, 15.7e6), ("M", 79.7e6, 24.4e6), ("L", 119.5e6, 32.0e6)],
)
def test_fc6_and_fc7_per_roi(name, full, truncated):
    """FACTS §1.10."""
    with torch.device("meta"):
        networks = (fast_rcnn_network(name), compressed_network(name, RANKS))
    for network, expected in zip(networks, (full, truncated), strict=True):
        counts = head_layers(network, 1, ("fc6", "fc7"))
        assert sum(counts.values()) == pytest.approx(expected, abs=0.06e6)


def test_all_layers_of_the_head():
    network = fast_rcnn_network("XS")
    assert head_layers(network, 10) == {
        "fc6": 10 * 3456 * 256,
        "fc7": 10 * 256 * 256,
        "cls_score": 10 * 256 * 21,
        "bbox_pred": 10 * 256 * 84,
    }
    # SPP-net: 50 bins of 96 channels, boxes regressed from these.
    assert head_layers(SPPNet("XS", 20), 1, ("fc6", "fc7", "cls_score", "bbox_regressor")) == {
        "fc6": 50 * 96 * 256,
        "fc7": 256 * 256,
        "cls_score": 256 * 21,
        "bbox_regressor": 50 * 96 * 84,
    }


def test_an_sgd_step_by_hand():
    layers = {"conv1": 100, "conv2": 10, "fc6": 1}
    # Forward 111; gradients of conv2's and fc6's weights 11, of fc6's input 1.
    assert sgd_step(layers, "conv2") == 111 + 11 + 1
    assert sgd_step(layers, "conv1") == 111 + 111 + 11
    assert sgd_step(layers, "fc6") == 111 + 1


def test_an_sgd_step_counts_what_autograd_does():
    """Each convolution and product of a backward pass, told by torch's own counter."""
    network = Network(
        name="XS",
        first_layer="conv1_1",
        learn_from="conv3_1",
        rcnn_batch=128,
        svd_ranks={},
        weights=PRETRAINING,
    )
    net = fast_rcnn_network("XS").train()
    net.freeze_before("conv3_1")
    rois = torch.zeros((128, 5))
    rois[:, 3:] = 40
    images = torch.randn((2, 3, 48, 64))
    with FlopCounterMode(display=False) as counter:
        scores, deltas = net(images, rois)
        nn.functional.cross_entropy(scores, torch.zeros(128, dtype=torch.long)).add(
            deltas.sum()
        ).backward()
    assert step_multiply_adds(network, (48, 64), 2) == counter.get_total_flops() / 2
