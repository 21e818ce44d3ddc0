"""Truncated SVD: exact at full rank, optimal below, and the parameter count of the paper."""

import numpy as np
import pytest
import torch
from torch import nn

from frcn.errors import UserError
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.truncated_svd import compress, truncated_svd


def test_full_rank_changes_nothing():
    layer = nn.Linear(12, 7)
    inputs = torch.rand(5, 12)
    torch.testing.assert_close(truncated_svd(layer, 7)(inputs), layer(inputs))


def test_error_is_the_discarded_singular_values():
    layer = nn.Linear(20, 15)
    first, second = truncated_svd(layer, 4)
    error = (second.weight @ first.weight - layer.weight).detach().double().numpy()
    values = np.linalg.svd(layer.weight.detach().double().numpy(), compute_uv=False)
    assert np.linalg.norm(error) == pytest.approx(np.sqrt((values[4:] ** 2).sum()), rel=1e-5)


def test_parameters_fall_to_rank_times_sides():
    network = FastRCNNNet("XS", 8)
    compress(network, {"fc6": 32, "fc7": 16})
    assert [p.shape for p in network.fc6.parameters()] == [(32, 3456), (256, 32), (256,)]
    assert sum(p.numel() for p in network.fc7.parameters()) == 16 * (256 + 256) + 256


def test_a_rank_beyond_the_layer_is_an_error():
    with pytest.raises(UserError, match=r"rank 8 .* at most 7"):
        truncated_svd(nn.Linear(12, 7), 8)
