"""torchvision's VGG16 in our layers: the same picture gives the same map and the same scores."""

import hashlib
import os
from collections import OrderedDict
from functools import partial

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torchvision.models import VGG16_Weights
from torchvision.models.vgg import make_layers

from frcn.config import Network
from frcn.data.image_transform import normalise_and_resize, to_blob
from frcn.errors import UserError
from frcn.learning.starting_network import start_from
from frcn.models import networks, weights
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.rcnn_net import RCNNNet
from frcn.pretrained.importing import import_backbone
from frcn.pretrained.torchvision_vgg16 import PREPROCESSING, convert

NAME = "L_torchvision"
# Sums of float32 in another order; the numbers are around 1.
assert_close = partial(torch.testing.assert_close, rtol=1e-4, atol=1e-4)
BLOCKS = [[4, 4], [8, 8], [12] * 3, [16] * 3, [16] * 3]
HIDDEN, CLASSES = 20, 9


def _thin() -> networks.Architecture:
    """VGG16 with a thirty-second of the channels."""
    return networks.Architecture(
        networks._vgg(BLOCKS, pools=4),
        16,
        stride=16,
        pooled_size=7,
        pretrained_size=224,
        pretrained_cells=14,
        crop_size=224,
        first_centre=8.5,
        fc6=HIDDEN,
        fc7=HIDDEN,
    )


@pytest.fixture(autouse=True)
def _thin_networks(monkeypatch):
    monkeypatch.setitem(networks._BUILDERS, NAME, _thin)


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    """torchvision's network in its own layers, thin and with random weights."""
    torch.manual_seed(0)
    layers = [width for block in BLOCKS for width in (*block, "M")]
    with torch.device("meta"):
        network = torchvision.models.VGG(nn.Identity(), init_weights=False)
    network.avgpool = nn.AdaptiveAvgPool2d(7)
    network.features = make_layers(layers)
    network.classifier = nn.Sequential(
        nn.Linear(16 * 7 * 7, HIDDEN),
        nn.ReLU(True),
        nn.Dropout(),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(True),
        nn.Dropout(),
        nn.Linear(HIDDEN, CLASSES),
    )
    # torch's own initial weights fade from layer to layer until only biases are left.
    for name, parameter in network.named_parameters():
        if name.endswith("weight"):
            nn.init.kaiming_normal_(parameter)
    return network.eval()


@pytest.fixture
def converted(theirs, tmp_path):
    """Our weights of it."""
    path, out = tmp_path / "vgg16.pth", tmp_path / "ours.safetensors"
    # The published file has this older form.
    torch.save(theirs.state_dict(), path, _use_new_zipfile_serialization=False)
    convert(path, NAME, out)
    return out


def _picture(height: int, width: int) -> np.ndarray:
    """BGR, its channels of very different levels."""
    rng = np.random.default_rng(0)
    return rng.integers([0, 60, 150], [90, 160, 256], (height, width, 3)).astype(np.uint8)


def _their_input(bgr: np.ndarray) -> torch.Tensor:
    """By torchvision's own transform, which no resizing or cropping follows at this size."""
    rgb = torch.from_numpy(bgr[..., ::-1].copy()).permute(2, 0, 1)
    height = bgr.shape[0]
    transform = VGG16_Weights.IMAGENET1K_V1.transforms(crop_size=height, resize_size=height)
    return transform(rgb)[None]


def _our_input(bgr: np.ndarray) -> torch.Tensor:
    return to_blob([normalise_and_resize(bgr, 1, PREPROCESSING.mean, PREPROCESSING.std)])


@torch.no_grad()
def test_a_picture_gives_the_same_map_and_the_same_scores(theirs, converted):
    picture = _picture(224, 224)
    ours, preprocessing = start_from(RCNNNet(NAME, CLASSES - 1), converted, seed=0)
    assert preprocessing == PREPROCESSING
    ours.cls_score.load_state_dict(theirs.classifier[6].state_dict())
    ours.eval()
    feature_map = theirs.features[:30](_their_input(picture))
    assert feature_map.std() > 0
    assert_close(ours.feature_map(_our_input(picture)), feature_map)
    # R-CNN's network: 14 × 14 cells are pooled two by two, as torchvision's last pooling does.
    assert_close(ours(_our_input(picture)), theirs(_their_input(picture)))


@torch.no_grad()
def test_pictures_in_rgb_would_not_do(theirs, converted):
    ours, _ = start_from(RCNNNet(NAME, CLASSES - 1), converted, seed=0)
    picture = _picture(32, 32)
    wrong = ours.feature_map(_our_input(picture[..., ::-1].copy()))
    expected = theirs.features[:30](_their_input(picture))
    assert (wrong - expected).std() > 0.1 * expected.std()


@torch.no_grad()
@pytest.mark.parametrize(("size", "own", "their", "equal"), [(96, 6, 6, 6), (600, 38, 37, 32)])
def test_maps_differ_where_caffe_rounds_up(size, own, their, equal, theirs, converted):
    """FACTS §1.4: VGG16 has 38 cells at 600 pixels."""
    ours, _ = start_from(RCNNNet(NAME, CLASSES - 1), converted, seed=0)
    picture = _picture(size, size)
    found = ours.feature_map(_our_input(picture))
    expected = theirs.features[:30](_their_input(picture))
    assert found.shape[2:] == (own, own)
    assert expected.shape[2:] == (their, their)
    # Near the right and lower edges convolutions see the additional cells.
    assert_close(found[..., :equal, :equal], expected[..., :equal, :equal])


def test_pre_processing_is_torchvisions_turned_round():
    transform = VGG16_Weights.IMAGENET1K_V1.transforms()
    assert PREPROCESSING.mean == pytest.approx([255 * value for value in transform.mean[::-1]])
    assert PREPROCESSING.std == pytest.approx([255 * value for value in transform.std[::-1]])


def test_the_real_network_has_the_layers_of_ours(monkeypatch):
    monkeypatch.setitem(networks._BUILDERS, NAME, networks._l)
    with torch.device("meta"):
        theirs = torchvision.models.vgg16().state_dict()
        ours = FastRCNNNet(NAME, 1, bbox_reg=False).state_dict()
    shapes = [tuple(tensor.shape) for tensor in theirs.values()]
    assert shapes[:-2] == [tuple(tensor.shape) for tensor in ours.values()][:-2]


def test_weights_of_the_other_vgg16_are_refused(converted):
    """Whoever takes them for Caffe's would give them the wrong pre-processing."""
    with pytest.raises(UserError, match=f"weights of network '{NAME}', wanted 'L'"):
        weights.load(converted, "L")


def test_the_backbone_is_imported_from_the_file_that_the_config_names(
    theirs, converted, tmp_path, monkeypatch
):
    path = tmp_path / "vgg16.pth"
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setenv("FRCN_WEIGHTS", str(tmp_path))
    file = {"urls": ["https://example.org/vgg16.pth"], "sha256": sha256}
    source = {"kind": "torchvision", "file": file}
    network = Network(
        name=NAME,
        first_layer="conv1_1",
        learn_from="conv3_1",
        rcnn_batch=24,
        svd_ranks={},
        weights=source,
    )
    import_backbone(network, "grid", tmp_path / "backbone.safetensors")
    assert (tmp_path / "backbone.safetensors").read_bytes() == converted.read_bytes()


class _Harmful:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_nothing_but_tensors_is_unpickled(tmp_path):
    path, harm = tmp_path / "vgg16.pth", tmp_path / "harm"
    torch.save({"features.0.weight": _Harmful(f"touch {harm}")}, path)
    with pytest.raises(UserError, match=r"vgg16\.pth: no file of tensors alone"):
        convert(path, NAME, tmp_path / "out.safetensors")
    assert not harm.exists()
    path.write_bytes(b"<html>")
    with pytest.raises(UserError, match="no file of tensors alone"):
        convert(path, NAME, tmp_path / "out.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features.2.weight": None}, "layer features.2 weight is missing, wanted 4×4×3×3"),
        (
            {"features.5.bias": torch.zeros(9)},
            "layer features.5 bias has 9, wanted 8",
        ),
        ({"features.1.weight": torch.zeros(4)}, "layer features.1.weight with 4 has no place"),
    ],
)
def test_layers_that_do_not_fit_are_named(change, message, theirs, tmp_path):
    tensors = OrderedDict(theirs.state_dict()) | change
    path, out = tmp_path / "vgg16.pth", tmp_path / "out.safetensors"
    torch.save({name: tensor for name, tensor in tensors.items() if tensor is not None}, path)
    with pytest.raises(UserError) as error:
        convert(path, NAME, out)
    assert str(error.value) == f"{path}: not torchvision's VGG16: {message}"
    assert not out.exists()
