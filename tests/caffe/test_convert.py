"""From caffemodels to our weights: equal scores, the order of axes, and files that don't fit."""

import re

import numpy as np
import pytest
import torch
from caffe_writer import FORMS, caffemodel
from numpy.lib.stride_tricks import sliding_window_view

from frcn.caffe import convert as conversion
from frcn.caffe.convert import convert
from frcn.cli import main
from frcn.data.image_transform import normalise_and_resize, to_blob
from frcn.errors import UserError
from frcn.learning.starting_network import start_from
from frcn.models import weights
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.weights import PREPROCESSING

ROIS = torch.tensor([[0, 0, 0, 31, 23], [0, 4, 2, 20, 17], [0, 10, 10, 10, 10]], dtype=torch.float)


def _layers(network: FastRCNNNet) -> dict[str, list[np.ndarray]]:
    """Weights and biases as Caffe has them, of a network whose numbers are all different."""
    return {
        name: [layer.weight.detach().numpy(), layer.bias.detach().numpy()]
        for name, layer in network.layers()
    }


def _network(name: str, num_classes: int = 20) -> FastRCNNNet:
    torch.manual_seed(0)
    return FastRCNNNet(name, num_classes).eval()


def _assert_same_scores(network, path, *images):
    restored = FastRCNNNet(network.name, network.cls_score.out_features - 1).eval()
    assert weights.restore(restored, path) == PREPROCESSING
    with torch.no_grad():
        for image in images:
            wanted, found = network(image, ROIS), restored(image, ROIS)
            assert torch.equal(found[0], wanted[0])
            assert torch.equal(found[1], wanted[1])
            assert wanted[0].std() > 0


@pytest.mark.parametrize(("layer_form", "shape_form"), [("old", "legacy"), ("new", "new")])
def test_a_detector_gives_the_same_scores_to_the_last_bit(layer_form, shape_form, tmp_path):
    network = _network("XS")
    path, out = tmp_path / "xs.caffemodel", tmp_path / "xs.safetensors"
    path.write_bytes(caffemodel(_layers(network), layer_form, shape_form))
    assert convert(path, "XS", out, classes=21) == [name for name, _ in network.layers()]
    _assert_same_scores(network, out, 50 * torch.randn(1, 3, 24, 32))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_with_groups(form, tiny_s, tmp_path):
    network = _network("S")
    path, out = tmp_path / "s.caffemodel", tmp_path / "s.safetensors"
    path.write_bytes(caffemodel(_layers(network), *form))
    convert(path, "S", out, classes=21)
    _assert_same_scores(network, out, 50 * torch.randn(1, 3, 24, 32))


def _restored(path, tmp_path, network="S", num_classes=20) -> FastRCNNNet:
    out = tmp_path / "restored.safetensors"
    convert(path, network, out, num_classes + 1)
    restored = FastRCNNNet(network, num_classes).eval()
    weights.restore(restored, out)
    return restored


def _caffe_convolution(image, weight, bias, stride, groups):
    """(C, H, W) → (O, h, w) as Caffe computes it, padded by 1: group by group."""
    padded = np.pad(image.astype(np.float64), ((0, 0), (1, 1), (1, 1)))
    outputs, ins, side, _ = weight.shape
    windows = sliding_window_view(padded, (side, side), axis=(1, 2))[:, ::stride, ::stride]
    result = np.empty((outputs, *windows.shape[1:3]))
    for output in range(outputs):
        first = output // (outputs // groups) * ins
        inputs = windows[first : first + ins]
        result[output] = np.einsum("chwyx,cyx->hw", inputs, weight[output]) + bias[output]
    return result


def test_convolutions_against_a_loop_over_bgr_pictures(tiny_s, tmp_path):
    layers = _layers(_network("S"))
    path = tmp_path / "s.caffemodel"
    path.write_bytes(caffemodel(layers, "old", "legacy"))
    restored = _restored(path, tmp_path)
    picture = np.random.default_rng(1).integers(0, 256, (9, 13, 3), dtype=np.uint8)
    blob = to_blob([normalise_and_resize(picture, 1, PREPROCESSING.mean, PREPROCESSING.std)])
    # Caffe's blob, by the original's words: BGR, less B's, G's and R's mean, channels first.
    blue, green, red = picture.astype(np.float64).transpose(2, 0, 1)
    caffe_blob = np.stack([blue - 102.9801, green - 115.9465, red - 122.7717])
    first = _caffe_convolution(caffe_blob, *layers["conv1"], stride=2, groups=1)
    found = restored.trunk.conv1(blob)
    np.testing.assert_allclose(found[0].detach(), first, atol=1e-3)
    hidden = restored.trunk[:3](blob)
    second = _caffe_convolution(hidden[0].detach().numpy(), *layers["conv2"], 1, groups=2)
    np.testing.assert_allclose(restored.trunk.conv2(hidden)[0].detach(), second, atol=1e-3)


def test_the_first_input_channel_is_blue(tiny_s, tmp_path):
    layers = _layers(_network("S"))
    layers["conv1"] = [np.zeros((4, 3, 3, 3), np.float32), np.zeros(4, np.float32)]
    layers["conv1"][0][0, 0, 1, 1] = 1  # Caffe's channel 0
    path = tmp_path / "s.caffemodel"
    path.write_bytes(caffemodel(layers))
    blue = np.zeros((8, 8, 3), np.uint8)
    blue[..., 0] = 200  # as cv2.imread has it
    blob = to_blob([normalise_and_resize(blue, 1, PREPROCESSING.mean, PREPROCESSING.std)])
    found = _restored(path, tmp_path).trunk.conv1(blob)[0, 0]
    assert found.detach().numpy() == pytest.approx(200 - 102.9801)


def test_fc6_finds_each_pooled_cell_where_caffe_has_it(tiny_s, tmp_path):
    """Caffe's offset of (channel, row, column) is (channel · P + row) · P + column."""
    layers = _layers(_network("S"))
    places = [(0, 0, 1), (0, 1, 0), (2, 1, 1), (5, 0, 1), (5, 1, 0)]
    layers["fc6"] = [np.zeros((5, 24), np.float32), np.zeros(5, np.float32)]
    for output, (channel, row, column) in enumerate(places):
        layers["fc6"][0][output, (channel * 2 + row) * 2 + column] = 1
    path = tmp_path / "s.caffemodel"
    path.write_bytes(caffemodel(layers, "old", "legacy"))
    restored = _restored(path, tmp_path)
    # Cells of 4 × 4 of an 8 × 8 map: quadrants, each of one number.
    quadrants = torch.arange(24.0).reshape(1, 6, 2, 2)
    feature_map = quadrants.repeat_interleave(4, 2).repeat_interleave(4, 3)
    pooled = restored.pool(feature_map, torch.tensor([[0.0, 0, 0, 14, 14]]))
    wanted = [4.0 * channel + 2 * row + column for channel, row, column in places]
    assert restored.fc6(pooled).tolist() == [wanted]


def test_an_imagenet_network_starts_a_training(tiny_s, tmp_path):
    source = _network("S")
    layers = _layers(source)
    del layers["cls_score"], layers["bbox_pred"]
    layers["fc8"] = [np.ones((1000, 4), np.float32), np.ones(1000, np.float32)]
    path, out = tmp_path / "CaffeNet.v2.caffemodel", tmp_path / "s.safetensors"
    path.write_bytes(caffemodel(layers, "old", "legacy"))
    assert convert(path, "S", out) == ["conv1", "conv2", "fc6", "fc7"]
    tensors, preprocessing = weights.load(out, "S")
    assert len(tensors) == 8
    assert preprocessing.mean == (102.9801, 115.9465, 122.7717)
    network, _ = start_from(FastRCNNNet("S", 3), out, seed=0)
    for name, tensor in tensors.items():
        assert torch.equal(network.state_dict()[name], source.state_dict()[name])
        assert torch.equal(tensor, source.state_dict()[name])


FC6 = {"S": (4096, 256 * 6 * 6), "M": (4096, 512 * 6 * 6), "L": (4096, 512 * 7 * 7)}
CONVOLUTIONS = {
    "S": {
        "conv1": (96, 3, 11, 11),
        "conv2": (256, 48, 5, 5),
        "conv3": (384, 256, 3, 3),
        "conv4": (384, 192, 3, 3),
        "conv5": (256, 192, 3, 3),
    },
    "M": {
        "conv1": (96, 3, 7, 7),
        "conv2": (256, 96, 5, 5),
        "conv3": (512, 256, 3, 3),
        "conv4": (512, 512, 3, 3),
        "conv5": (512, 512, 3, 3),
    },
    "L": {
        f"conv{block}_{index}": (64 << min(block - 1, 3), inputs, 3, 3)
        for block, index, inputs in [
            (1, 1, 3), (1, 2, 64), (2, 1, 64), (2, 2, 128), (3, 1, 128), (3, 2, 256),
            (3, 3, 256), (4, 1, 256), (4, 2, 512), (4, 3, 512), (5, 1, 512), (5, 2, 512),
            (5, 3, 512),
        ]
    },
}  # fmt: skip


@pytest.mark.parametrize("network", ["S", "M", "L"])
def test_the_shapes_wanted_are_the_originals(network):
    """FACTS §1.4; a detector of VOC's 21 classes has 84 box outputs."""
    fc7 = {"S": 4096, "M": 1024, "L": 4096}[network]
    shapes = CONVOLUTIONS[network] | {
        "fc6": FC6[network],
        "fc7": (fc7, 4096),
        "cls_score": (21, fc7),
        "bbox_pred": (84, fc7),
    }
    wanted = conversion._wanted(network, 21)
    assert {layer: list(parameters.values()) for layer, parameters in wanted.items()} == {
        layer: [shape, shape[:1]] for layer, shape in shapes.items()
    }
    for layer, parameters in wanted.items():
        prefix = "trunk." if layer.startswith("conv") else ""
        assert list(parameters) == [f"{prefix}{layer}.weight", f"{prefix}{layer}.bias"]
    imagenet = [layer for layer in wanted if layer not in ("cls_score", "bbox_pred")]
    assert list(conversion._wanted(network, None)) == imagenet


def _without(name):
    return lambda layers: layers.pop(name)


def _with(name, *shapes):
    return lambda layers: layers.update({name: [np.zeros(s, np.float32) for s in shapes]})


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_without("conv2"), ["layer 'conv2' is missing, wanted 6×2×3×3 and 6"]),
        (_with("conv2", (6, 4, 3, 3), 6), ["layer 'conv2' has 6×4×3×3 and 6, wanted 6×2×3×3"]),
        (_with("fc6", (24, 5), 5), ["layer 'fc6' has 24×5 and 5, wanted 5×24 and 5"]),
        (_with("fc6", (5, 6, 2, 2), 5), ["layer 'fc6' has 5×6×2×2 and 5, wanted 5×24 and 5"]),
        (_with("fc7", (4, 5)), ["layer 'fc7' has 4×5, wanted 4×5 and 4"]),
        (_with("fc7", (4, 5), 4, ()), ["layer 'fc7' has 4×5 and 4 and scalar, wanted"]),
        (_with("fc8", (1000, 4), 1000), ["layer 'fc8' with 1000×4 and 1000 has no place"]),
        (_with("cls_score", (22, 4), 22), ["layer 'cls_score' has 22×4 and 22, wanted 21×4"]),
        (
            lambda layers: (_without("fc7")(layers), _with("pool", 3)(layers)),
            ["layer 'fc7' is missing, wanted 4×5 and 4", "layer 'pool' with 3 has no place"],
        ),
    ],
)  # fmt: skip
def test_layers_that_do_not_fit_are_named(change, found, tiny_s, tmp_path):
    layers = _layers(_network("S"))
    change(layers)
    path, out = tmp_path / "s.caffemodel", tmp_path / "s.safetensors"
    path.write_bytes(caffemodel(layers))
    with pytest.raises(UserError) as error:
        convert(path, "S", out, classes=21)
    message = str(error.value)
    assert message.startswith(f"{path}: not a detector of 21 classes, network S: layer ")
    assert all(part in message for part in found)
    assert message.count("layer '") == len(found)
    assert not out.exists()


def test_a_detector_taken_for_an_imagenet_network(tiny_s, tmp_path):
    path = tmp_path / "s.caffemodel"
    path.write_bytes(caffemodel(_layers(_network("S"))))
    wanted = "not an ImageNet network, network S: layer 'cls_score' with 21×4 .* place; .*--classes"
    with pytest.raises(UserError, match=wanted):
        convert(path, "S", tmp_path / "out")
    with pytest.raises(UserError, match="--classes: 1, wanted at least 2"):
        convert(path, "S", tmp_path / "out", classes=1)


@pytest.mark.parametrize("classes", [None, 2])
def test_no_truncated_file_is_converted(classes, tiny_s, tmp_path):
    layers = _layers(_network("S", 1))
    if classes is None:
        del layers["cls_score"], layers["bbox_pred"]
    path, out = tmp_path / "s.caffemodel", tmp_path / "s.safetensors"
    whole = caffemodel(layers, "old", "legacy")
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"s\.caffemodel: "):
            convert(path, "S", out, classes)
    assert not out.exists()


def test_the_command(tiny_s, tmp_path, capsys):
    network = _network("S")
    path, out = tmp_path / "s.caffemodel", tmp_path / "s.safetensors"
    path.write_bytes(caffemodel(_layers(network), "old", "legacy"))
    arguments = ["convert", "--caffemodel", str(path), "--network", "S", "--out", str(out)]
    assert main([*arguments, "--classes", "21"]) == 0
    layers = "conv1, conv2, fc6, fc7, cls_score, bbox_pred"
    assert capsys.readouterr().out == f"{path}: {layers} -> {out}\n"
    _assert_same_scores(network, out, 50 * torch.randn(1, 3, 24, 32))
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert re.match(r"frcn convert: .*s\.caffemodel: not an ImageNet network, network S", error)
    with pytest.raises(SystemExit):
        main([*arguments[:4], "XL", *arguments[5:]])
