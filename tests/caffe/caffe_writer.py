"""Caffemodels in every form that Caffe wrote, from caffe.proto and the wire format alone.

It shares no code with the reader. Forms: ``new`` (LayerParameter) and ``old`` (V1LayerParameter)
layers; ``new`` and ``legacy`` shapes; ``packed``, ``unpacked`` and ``double`` numbers.
"""

import struct
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np

FORMS = list(product(("new", "old"), ("new", "legacy"), ("packed", "unpacked", "double")))
CONVOLUTION = 4
# A train_net's own fields around the weights: net name; a layer's type, bottom, top, lr_mult.
NET_NAME = b"\x0a\x05a net"


def varint(number: int) -> bytes:
    """Seven bits a byte, lowest first; negative numbers as two's complement of 64 bits."""
    number %= 2**64
    digits = []
    while True:
        number, low = divmod(number, 128)
        digits.append(low + (128 if number else 0))
        if not number:
            return bytes(digits)


def record(number: int, payload: bytes) -> bytes:
    """A field of wire type 2."""
    return varint(8 * number + 2) + varint(len(payload)) + payload


def blob(values: np.ndarray, shape_form: str = "new", data_form: str = "packed") -> bytes:
    """A BlobProto. Legacy shapes are (1, 1, out, in) and (1, 1, 1, out), as Caffe's were."""
    if shape_form == "new":
        shape = record(7, record(1, b"".join(map(varint, values.shape))))
    else:
        four = (1,) * (4 - values.ndim) + values.shape
        shape = b"".join(varint(8 * axis) + varint(dim) for axis, dim in enumerate(four, start=1))
    flat = values.ravel().tolist()
    if data_form == "packed":
        data = record(5, struct.pack(f"<{len(flat)}f", *flat))
    elif data_form == "double":
        data = record(8, struct.pack(f"<{len(flat)}d", *flat))
    else:
        data = b"".join(varint(8 * 5 + 5) + struct.pack("<f", value) for value in flat)
    return shape + data


def layer(name: str, blobs: Sequence[bytes], layer_form: str = "new") -> bytes:
    """A layer of a NetParameter with fields beside its weights that a reader has to skip."""
    if layer_form == "new":
        fields = [record(1, name.encode()), record(2, b"Convolution"), record(3, b"data")]
        fields += [record(6, b"\x1d\x00\x00\x80\x3f")]  # ParamSpec: lr_mult 1
        fields += [record(7, content) for content in blobs]
        # ROIPooling's parameters have a field number of four bytes in Fast R-CNN's Caffe.
        fields += [record(8266711, b"\x08\x06\x10\x06")]
        return record(100, b"".join(fields))
    fields = [record(2, b"data"), record(4, name.encode()), varint(8 * 5) + varint(CONVOLUTION)]
    fields += [record(6, content) for content in blobs]
    fields += [varint(8 * 7 + 5) + struct.pack("<f", 1.0)]  # blobs_lr, unpacked
    return record(2, b"".join(fields))


def caffemodel(
    layers: Mapping[str, Sequence[np.ndarray]],
    layer_form: str = "new",
    shape_form: str = "new",
    data_form: str = "packed",
) -> bytes:
    """A NetParameter."""
    return NET_NAME + b"".join(
        layer(name, [blob(values, shape_form, data_form) for values in blobs], layer_form)
        for name, blobs in layers.items()
    )
