"""From the original's caffemodels to our weights.

Two kinds of file were published (FACTS §5.2):

* ImageNet networks, in imagenet_models.tgz (md5 8b1d4b9da0593fc70ef403284f810adc):
  ``CaffeNet``, ``VGG_CNN_M_1024`` and ``VGG16.v2.caffemodel`` for S, M and L.
* Fast R-CNN detectors of VOC07's 20 classes, in fast_rcnn_models.tgz (md5
  5f7dde9f5376e18c8e065338cc5df3f7): ``caffenet``, ``vgg_cnn_m_1024`` and
  ``vgg16_fast_rcnn_iter_40000.caffemodel``. Their ``bbox_pred`` is un-normalised already, as in
  our final weights (FACTS §1.7).

No number is permuted. Caffe's convolutions are (out, in / groups, height, width), torch's as well;
both make the first group of outputs from the first group of inputs. The original's pictures are
BGR, and so are ours, so that channel 0 of ``conv1`` stays blue. Caffe flattens pooled features
channel by channel, then row by row, as ``flatten(1)`` does, so that the columns of ``fc6`` keep
their order.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from frcn.caffe.caffemodel import read_caffemodel
from frcn.errors import UserError
from frcn.models import weights
from frcn.models.fast_rcnn_net import FastRCNNNet

IMAGENET_OUTPUTS = "fc8"
REMEDY = (
    "Give the network that the file is of; for a Fast R-CNN detector also --classes, its classes"
    " with the background, and for an ImageNet network none."
)


def convert(path: Path, network: str, out: Path, classes: int | None = None) -> list[str]:
    """Write the weights of a caffemodel as safetensors; return the names of the layers written.

    Args:
        path: the caffemodel.
        network: S, M or L (or XS, of which nobody published any).
        out: the file to write.
        classes: of a Fast R-CNN detector, the background included: 21 for VOC. None for an
            ImageNet network, whose ``fc8`` is left out; a training starts from the result.

    Raises:
        UserError: the file is missing or damaged, or its layers are not those of the network.
            All layers that don't fit are named.
    """
    if classes is not None and classes < 2:
        raise UserError(f"--classes: {classes}, wanted at least 2: the background and one more")
    found = read_caffemodel(path)
    wanted = _wanted(network, classes)
    if classes is None:
        found.pop(IMAGENET_OUTPUTS, None)
    misfits = _misfits(found, wanted)
    if misfits:
        kind = "an ImageNet network" if classes is None else f"a detector of {classes} classes"
        raise UserError(f"{path}: not {kind}, network {network}: {'; '.join(misfits)}. {REMEDY}")
    tensors = {
        name: _tensor(blob, shape)
        for layer, parameters in wanted.items()
        for blob, (name, shape) in zip(found[layer], parameters.items(), strict=True)
    }
    weights.save(out, tensors, network, weights.PREPROCESSING)
    return list(wanted)


def _wanted(network: str, classes: int | None) -> dict[str, dict[str, tuple[int, ...]]]:
    """Layer name → our names of its parameters, weight first, and their shapes."""
    # Without storage: VGG16 would take half a gigabyte and seconds of random numbers.
    with torch.device("meta"):
        state = FastRCNNNet(network, (classes or 2) - 1).state_dict()
    wanted: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, tensor in state.items():
        layer = name.split(".")[-2]
        if classes is not None or layer not in ("cls_score", "bbox_pred"):
            wanted.setdefault(layer, {})[name] = tuple(tensor.shape)
    return wanted


def _misfits(
    found: dict[str, list[np.ndarray]], wanted: dict[str, dict[str, tuple[int, ...]]]
) -> list[str]:
    """What is wrong with the layers found, one entry a layer."""
    misfits = []
    for layer, parameters in wanted.items():
        shapes = list(parameters.values())
        if layer not in found:
            misfits.append(f"layer {layer!r} is missing, wanted {_described(shapes)}")
        elif not _fit(found[layer], shapes):
            has = _described([blob.shape for blob in found[layer]])
            misfits.append(f"layer {layer!r} has {has}, wanted {_described(shapes)}")
    left_over = [
        f"layer {layer!r} with {_described([blob.shape for blob in blobs])} has no place"
        for layer, blobs in found.items()
        if layer not in wanted
    ]
    return misfits + left_over


def _fit(blobs: list[np.ndarray], shapes: list[tuple[int, ...]]) -> bool:
    # A legacy shape has ones in front until it is four axes long, as Caffe itself compares it.
    return len(blobs) == len(shapes) and all(
        blob.shape in (shape, (1,) * (4 - len(shape)) + shape)
        for blob, shape in zip(blobs, shapes, strict=True)
    )


def _described(shapes: list[tuple[int, ...]]) -> str:
    return " and ".join("×".join(map(str, shape)) or "scalar" for shape in shapes)


def _tensor(blob: np.ndarray, shape: tuple[int, ...]) -> Tensor:
    """A float32 copy in memory of its own, as the file's numbers may stand at odd bytes."""
    return torch.from_numpy(blob.reshape(shape).astype(np.float32))
