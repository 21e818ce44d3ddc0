"""The layers of a caffemodel, the file in which Caffe keeps a network's weights.

It is a protobuf message NetParameter. Fast R-CNN's own files have the form of 2015, repeated
LayerParameter; older ones, such as those of ImageNet networks, have V1LayerParameter. The numbers
of fields are those of caffe.proto in the Caffe that Fast R-CNN was released with.
"""

import math
from pathlib import Path

import numpy as np

from frcn.caffe.wire_format import Field, Message, open_message
from frcn.errors import UserError

NAME_AND_BLOBS = {100: (1, 7), 2: (4, 6)}
"""NetParameter's fields ``layer`` and ``layers`` → the fields ``name`` and ``blobs`` inside."""
SHAPE, DIM = 7, 1
LEGACY_SHAPE = (1, 2, 3, 4)
"""num, channels, height, width: the shape of a blob before shapes could have other than 4 axes."""
DATA, DOUBLE_DATA = 5, 8
MOST_AXES = 32
"""A blob's axes in Caffe; NumPy could not have many more."""


def read_caffemodel(path: Path) -> dict[str, list[np.ndarray]]:
    """The blobs of every layer that has any, in the file's order.

    A layer with weights has two: weights, then biases. Blobs are read-only float32 or float64
    views of the file, in the shape that it states: (1, 1, out, in) for a fully connected layer's
    weights in the legacy form. Convolutions are (out, in / groups, height, width).

    Raises:
        UserError: the file is missing, damaged or has no weights; two layers have the same name;
            or a blob's numbers are more or fewer than its shape says.
    """
    layers: dict[str, list[np.ndarray]] = {}
    for field in open_message(path).fields():
        if field.number not in NAME_AND_BLOBS:
            continue
        name, blobs = _layer(field.message(), *NAME_AND_BLOBS[field.number])
        if not blobs:
            continue
        if name in layers:
            raise UserError(
                f"{path}: two layers called {name!r} have weights, wanted one. Write the file"
                " anew from the network that it was trained as."
            )
        layers[name] = [_blob(blob.message(), name) for blob in blobs]
    if not layers:
        raise UserError(
            f"{path}: no layer has weights. Wanted a binary caffemodel; one from before 2014's"
            " V1LayerParameter must go through Caffe's upgrade_net_proto_binary first."
        )
    return layers


def _layer(layer: Message, name_number: int, blobs_number: int) -> tuple[str, list[Field]]:
    name, blobs = "", []
    for field in layer.fields():
        if field.number == name_number:
            name = field.text()
        elif field.number == blobs_number:
            blobs.append(field)
    return name, blobs


def _blob(blob: Message, layer: str) -> np.ndarray:
    """A BlobProto as an array. Where there are two shapes or two kinds of data, Caffe takes the
    legacy shape and the doubles."""
    dims: list[int] = []
    legacy: dict[int, int] = {}
    singles: list[np.ndarray] = []
    doubles: list[np.ndarray] = []
    for field in blob.fields():
        if field.number in LEGACY_SHAPE:
            legacy[field.number] = field.integer()
        elif field.number == SHAPE:
            inside = field.message().fields()
            dims += [dim for inner in inside if inner.number == DIM for dim in inner.integers()]
        elif field.number == DATA:
            singles.append(field.numbers("<f4"))
        elif field.number == DOUBLE_DATA:
            doubles.append(field.numbers("<f8"))
    shape = tuple(legacy.get(number, 0) for number in LEGACY_SHAPE) if legacy else tuple(dims)
    values = _joined(doubles) if any(map(len, doubles)) else _joined(singles)
    fits = all(dim > 0 for dim in shape) and math.prod(shape) == len(values)
    if len(shape) > MOST_AXES or not fits:
        blob.refuse(0, f"layer {layer!r}: {len(values)} numbers in a blob of shape {shape}")
    return values.reshape(shape)


def _joined(records: list[np.ndarray]) -> np.ndarray:
    """One record, the usual case, stays a view."""
    if not records:
        return np.empty(0, np.float32)
    return records[0] if len(records) == 1 else np.concatenate(records)
