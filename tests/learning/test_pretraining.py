"""Pre-training on a handful of noise pictures."""

import json

import numpy as np
import pytest
import torch

from frcn.config import Network
from frcn.data.shapes import pretraining_batch
from frcn.learning import pretraining
from frcn.learning.pretraining import pretrain
from frcn.models import weights
from frcn.models.fast_rcnn_net import FastRCNNNet

NETWORK = Network(
    name="XS",
    learn_from="conv3_1",
    svd_ranks={},
    pretraining={
        "images": 20,
        "image_size": 16,
        "batch_size": 4,
        "steps": 3,
        "learning_rate": 0.01,
    },
)


@pytest.fixture
def pictures(monkeypatch):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    labels = rng.integers(0, 3, 20)
    monkeypatch.setattr(pretraining, "_generate", lambda settings, workers: (images, labels))
    return images


def test_backbone_has_all_but_outputs_and_its_own_preprocessing(tmp_path, pictures):
    pretrain(NETWORK, tmp_path / "XS.safetensors", 1)
    tensors, preprocessing = weights.load(tmp_path / "XS.safetensors", "XS")
    network = FastRCNNNet("XS", 2)
    assert weights.initialise(network, tensors, tmp_path) == [
        f"{layer}.{part}" for layer in ("bbox_pred", "cls_score") for part in ("bias", "weight")
    ]
    assert tensors.keys() <= network.state_dict().keys()
    for channel in range(3):
        pixels = pictures[..., channel].astype(np.float64).ravel()
        assert preprocessing.mean[channel] == pytest.approx(pixels.sum() / pixels.size)
        variance = (pixels**2).sum() / pixels.size - preprocessing.mean[channel] ** 2
        assert preprocessing.std[channel] == pytest.approx(np.sqrt(variance))
    summary = json.loads((tmp_path / "XS.json").read_text())
    assert summary["held_out_accuracy"] in (0.0, 50.0, 100.0)  # of two held-out pictures


def test_same_seed_same_bytes(tmp_path, pictures):
    for name in ("a", "b"):
        pretrain(NETWORK, tmp_path / f"{name}.safetensors", 1)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_folding_batch_normalisation_changes_no_output():
    network = pretraining._random_network("XS", 0)
    rng = torch.Generator().manual_seed(0)
    images = torch.rand((6, 3, 16, 16), generator=rng) * 4 - 2
    rois = pretraining.whole_image_rois(images)
    network.train()
    with torch.no_grad():
        for _ in range(3):  # the running statistics move away from 0 and 1
            network(images, rois)
        network.eval()
        expected, _ = network(images, rois)
        pretraining._fold_batch_norm(network)
        found, _ = network(images, rois)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert network.state_dict().keys() == FastRCNNNet("XS", 2, bbox_reg=False).state_dict().keys()


def test_generated_pictures_are_the_same_for_any_chunking(monkeypatch):
    """Chunks only share out the work: the second one starts where the first one ended."""

    class InThisProcess:
        def __init__(self, *args, **kwargs):
            self.map = map

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    monkeypatch.setattr(pretraining, "ProcessPoolExecutor", InThisProcess)
    whole = pretraining_batch(20, 16, NETWORK.pretraining.seed)
    monkeypatch.setattr(pretraining, "CHUNK", 7)
    parts = pretraining._generate(NETWORK.pretraining, 1)
    assert all(np.array_equal(a, b) for a, b in zip(whole, parts, strict=True))
