"""Weights and their pre-processing on disk, and what is wrong with a wrong file."""

import pytest
import torch

from frcn.errors import UserError
from frcn.models import weights
from frcn.models.fast_rcnn_net import FastRCNNNet

PREPROCESSING = weights.Preprocessing((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))


def test_round_trip(tmp_path):
    network = FastRCNNNet("XS", 3)
    weights.save(tmp_path / "w.safetensors", network.state_dict(), "XS", PREPROCESSING)
    tensors, preprocessing = weights.load(tmp_path / "w.safetensors", "XS")
    assert preprocessing == PREPROCESSING
    other = FastRCNNNet("XS", 3)
    assert weights.initialise(other, tensors, tmp_path) == []
    for name, tensor in network.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)


def test_outputs_missing_from_a_backbone_are_reported(tmp_path):
    tensors = FastRCNNNet("XS", 3, bbox_reg=False).state_dict()
    missing = weights.initialise(FastRCNNNet("XS", 3), tensors, tmp_path)
    assert missing == ["bbox_pred.bias", "bbox_pred.weight"]


def test_bad_files_are_named(tmp_path):
    path = tmp_path / "w.safetensors"
    with pytest.raises(UserError, match=r"w\.safetensors: no such checkpoint"):
        weights.load(path, "XS")
    weights.save(path, FastRCNNNet("XS", 3).state_dict(), "XS", PREPROCESSING)
    with pytest.raises(UserError, match=r"weights of network 'XS', wanted 'L'"):
        weights.load(path, "L")
    tensors, _ = weights.load(path, "XS")
    with pytest.raises(UserError, match=r"cls_score\.\w+ has shape .* the network wants"):
        weights.initialise(FastRCNNNet("XS", 4, bbox_reg=False), tensors, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=r"w\.safetensors: damaged weights"):
        weights.load(path, "XS")
