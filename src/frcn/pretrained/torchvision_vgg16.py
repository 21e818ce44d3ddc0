"""From torchvision's VGG16, trained on ImageNet, to our weights.

The layers are the same but for one thing: torchvision's pictures are RGB, ours BGR. ``conv1_1``
gets its input channels in the other order, which is exact, as a convolution sums over them. The
pre-processing then is torchvision's with its channels turned round and in grey levels of 0–255:
(x / 255 − mean) / std = (x − 255 · mean) / (255 · std).

At 224 pixels, and wherever sides are multiples of 16, the maps are the same too. Elsewhere ours
may be a row or a column larger, as Caffe rounds the size of pooled maps up (FACTS §1.5) and
torchvision down; fine-tuning on VOC sees the difference at the right and lower edges only.
"""

import pickle
from pathlib import Path

import torch
from torch import Tensor

from frcn.errors import UserError
from frcn.models import weights
from frcn.models.fast_rcnn_net import FastRCNNNet

RGB_MEAN = (0.485, 0.456, 0.406)
RGB_STD = (0.229, 0.224, 0.225)
"""ImageNet's, of pixels from 0 to 1 (torchvision's documentation of VGG16_Weights)."""
PREPROCESSING = weights.Preprocessing(
    mean=tuple(255 * value for value in reversed(RGB_MEAN)),
    std=tuple(255 * value for value in reversed(RGB_STD)),
)
CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
"""Places in torchvision's ``features`` of conv1_1 to conv5_3."""
FULLY_CONNECTED = {"fc6": "classifier.0", "fc7": "classifier.3"}
OUTPUTS = "classifier.6"


def convert(path: Path, network: str, out: Path) -> list[str]:
    """Write trunk, fc6 and fc7 as safetensors; return the names of the layers written.

    Raises:
        UserError: the file has other things than tensors, or layers that are not VGG16's.
    """
    found = _read(path)
    with torch.device("meta"):
        layers = dict(FastRCNNNet(network, 1).layers())
    places = _places(list(layers))
    tensors = {}
    misfits = []
    for layer, place in places.items():
        for part, wanted in layers[layer].named_parameters():
            tensor = found.pop(f"{place}.{part}", None)
            if tensor is None or tensor.shape != wanted.shape:
                has = "is missing" if tensor is None else f"has {_described(tensor)}"
                misfits.append(f"layer {place} {part} {has}, wanted {_described(wanted)}")
            else:
                prefix = "trunk." if layer.startswith("conv") else ""
                tensors[f"{prefix}{layer}.{part}"] = tensor.float()
    left_over = [name for name in found if not name.startswith(OUTPUTS)]
    misfits += [f"layer {name} with {_described(found[name])} has no place" for name in left_over]
    if misfits:
        raise UserError(f"{path}: not torchvision's VGG16: {'; '.join(misfits)}")
    tensors["trunk.conv1_1.weight"] = tensors["trunk.conv1_1.weight"].flip(1)
    weights.save(out, tensors, network, PREPROCESSING)
    return list(places)


def _read(path: Path) -> dict[str, Tensor]:
    """The file's tensors. Unpickling can run any code; this refuses all but tensors."""
    try:
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        first = str(error).partition("\n")[0]
        raise UserError(f"{path}: no file of tensors alone ({first})") from None


def _places(layers: list[str]) -> dict[str, str]:
    """Our name of a layer → torchvision's."""
    convolutions = [layer for layer in layers if layer.startswith("conv")]
    features = [f"features.{index}" for index in CONVOLUTIONS]
    return dict(zip(convolutions, features, strict=True)) | FULLY_CONNECTED


def _described(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape))
