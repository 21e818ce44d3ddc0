"""The networks against the layer and feature-map tables of FACTS §1.4."""

import pytest
import torch

from frcn.errors import UserError
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.networks import build


@pytest.mark.parametrize(
    ("name", "sides"),
    [
        ("S", {224: 15, 227: 15, 480: 31, 576: 37}),
        ("M", {224: 13, 227: 13, 480: 29, 576: 35}),
        ("L", {224: 14, 227: 15, 480: 30}),
        ("XS", {48: 6, 192: 24, 193: 25}),
    ],
)
def test_feature_map_sides(name, sides):
    trunk = build(name).trunk
    with torch.no_grad():
        for side, expected in sides.items():
            assert trunk(torch.zeros(1, 3, side, 64)).shape[2] == expected


@pytest.mark.parametrize(
    ("name", "fc6_inputs", "multiply_adds"),
    [("S", 9216, 54.5e6), ("M", 18432, 79.7e6), ("L", 25088, 119.5e6)],
)
def test_fully_connected_layers(name, fc6_inputs, multiply_adds):
    with torch.device("meta"):
        network = FastRCNNNet(name, 20)
    assert network.fc6.in_features == fc6_inputs
    assert network.fc6.weight.numel() + network.fc7.weight.numel() == pytest.approx(
        multiply_adds, rel=1e-3
    )
    assert network.cls_score.out_features == 21
    assert network.bbox_pred.out_features == 84


def test_outputs_of_a_forward_pass():
    network = FastRCNNNet("XS", 8).eval()
    scores, deltas = network(torch.rand(2, 3, 64, 80), torch.tensor([[0, 0, 0, 63.0, 63]] * 5))
    assert scores.shape == (5, 9)
    assert deltas.shape == (5, 36)
    assert (
        FastRCNNNet("XS", 8, bbox_reg=False)(torch.rand(1, 3, 32, 32), torch.zeros(1, 5))[1] is None
    )


@pytest.mark.parametrize(
    ("learn_from", "learning"),
    [
        ("conv1_1", 9),
        ("conv2_1", 8),
        ("conv3_1", 7),
        ("fc6", 4),
        ("bbox_pred", 1),
    ],
)
def test_freezing(learn_from, learning):
    network = FastRCNNNet("XS", 3)
    network.freeze_before("bbox_pred")
    network.freeze_before(learn_from)
    layers = [name for name, layer in network.layers() if layer.weight.requires_grad]
    assert len(layers) == learning
    assert layers[0] == learn_from
    assert all(
        layer.bias.requires_grad == layer.weight.requires_grad for _, layer in network.layers()
    )


def test_an_unknown_layer_is_named():
    with pytest.raises(UserError, match=r"no layer 'conv9'.*conv1_1"):
        FastRCNNNet("XS", 3).freeze_before("conv9")


def test_output_layers_start_as_the_paper_says():
    network = FastRCNNNet("XS", 200)
    network.initialise_outputs(torch.Generator().manual_seed(0))
    assert network.cls_score.weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert network.bbox_pred.weight.std().item() == pytest.approx(0.001, rel=0.02)
    assert not network.cls_score.bias.any()
    assert not network.bbox_pred.bias.any()
