"""Pre-training on a handful of noise pictures."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn.functional import adaptive_max_pool2d

from frcn.config import Network
from frcn.data.shapes import pretraining_batch
from frcn.errors import UserError
from frcn.learning import pretraining
from frcn.learning.pretraining import pretrain
from frcn.learning.starting_network import start_from
from frcn.models import weights
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.rcnn_net import RCNNNet
from frcn.models.spp_net import SPPNet
from tiny_world import PRETRAINING

NETWORK = Network(
    name="XS",
    first_layer="conv1_1",
    learn_from="conv3_1",
    rcnn_batch=128,
    svd_ranks={},
    weights=PRETRAINING,
)


# By the backbone's pooling: a detection network that starts from it, and its outputs.
DETECTORS = {
    "grid": (partial(FastRCNNNet, "XS", 2), ("bbox_pred", "cls_score")),
    "pyramid": (partial(SPPNet, "XS", 2), ("bbox_regressor", "cls_score")),
}
both_poolings = pytest.mark.parametrize("pooling", DETECTORS)


@pytest.fixture
def pictures(monkeypatch):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    labels = rng.integers(0, 3, 20)
    monkeypatch.setattr(pretraining, "_generate", lambda settings, workers: (images, labels))
    return images


@both_poolings
def test_backbone_has_all_but_outputs_and_its_own_preprocessing(tmp_path, pictures, pooling):
    pretrain(NETWORK, pooling, tmp_path / "XS.safetensors", 1)
    tensors, preprocessing = weights.load(tmp_path / "XS.safetensors", "XS")
    detector, outputs = DETECTORS[pooling]
    network = detector()
    assert weights.initialise(network, tensors, tmp_path) == [
        f"{layer}.{part}" for layer in outputs for part in ("bias", "weight")
    ]
    assert tensors.keys() <= network.state_dict().keys()
    for channel in range(3):
        pixels = pictures[..., channel].astype(np.float64).ravel()
        assert preprocessing.mean[channel] == pytest.approx(pixels.sum() / pixels.size)
        variance = (pixels**2).sum() / pixels.size - preprocessing.mean[channel] ** 2
        assert preprocessing.std[channel] == pytest.approx(np.sqrt(variance))
    summary = json.loads((tmp_path / "XS.json").read_text())
    assert summary["held_out_accuracy"] in (0.0, 50.0, 100.0)  # of two held-out pictures


@both_poolings
def test_same_seed_same_bytes(tmp_path, pictures, pooling):
    for name in ("a", "b"):
        pretrain(NETWORK, pooling, tmp_path / f"{name}.safetensors", 1)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_rcnn_starts_from_the_grids_backbone(tmp_path, pictures):
    pretrain(NETWORK, "grid", tmp_path / "XS.safetensors", 1)
    network, _ = start_from(RCNNNet("XS", 2), tmp_path / "XS.safetensors", 0)
    tensors, _ = weights.load(tmp_path / "XS.safetensors", "XS")
    state = network.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in tensors.items())


def test_the_poolings_are_not_exchangeable(tmp_path, pictures):
    pretrain(NETWORK, "grid", tmp_path / "XS.safetensors", 1)
    with pytest.raises(UserError, match=r"fc6\.weight has shape"):
        start_from(SPPNet("XS", 2), tmp_path / "XS.safetensors", 0)


@both_poolings
def test_folding_batch_normalisation_changes_no_output(pooling):
    network = pretraining._random_network("XS", pooling, 0)
    names = DETECTORS[pooling][0]().state_dict().keys()
    rng = torch.Generator().manual_seed(0)
    images = torch.rand((6, 3, 16, 16), generator=rng) * 4 - 2
    network.train()
    with torch.no_grad():
        for _ in range(3):  # the running statistics move away from 0 and 1
            network.classify(images)
        network.eval()
        expected = network.classify(images)
        pretraining._fold_batch_norm(network)
        found = network.classify(images)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert network.state_dict().keys() == {n for n in names if not n.startswith("bbox_pred")}


@torch.no_grad()
def test_the_pyramids_window_is_the_whole_map():
    """PyTorch's adaptive pooling has the bins ⌊i·h/n⌋ … ⌈(i+1)·h/n⌉−1 as well."""
    network = SPPNet("XS", 2).eval()
    images = torch.rand((3, 3, 40, 56), generator=torch.Generator().manual_seed(0))
    feature_map = network.feature_map(images)
    levels = [adaptive_max_pool2d(feature_map, n).flatten(1) for n in (1, 2, 3, 6)]
    expected = network.cls_score(network.fc7_features(torch.cat(levels, dim=1)))
    torch.testing.assert_close(network.classify(images), expected)


def test_generated_pictures_are_the_same_for_any_chunking(monkeypatch):
    """Chunks only share out the work: the second one starts where the first one ended."""
    monkeypatch.setattr(pretraining, "worker_pool", ThreadPoolExecutor)
    whole = pretraining_batch(20, 16, NETWORK.weights.seed)
    monkeypatch.setattr(pretraining, "CHUNK", 7)
    parts = pretraining._generate(NETWORK.weights, 1)
    assert all(np.array_equal(a, b) for a, b in zip(whole, parts, strict=True))
