"""Layers of caffemodels in all forms, whole, damaged and wrong."""

import contextlib

import numpy as np
import pytest
from caffe_writer import FORMS, NET_NAME, blob, caffemodel, layer, record, varint
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from frcn.caffe.caffemodel import read_caffemodel
from frcn.errors import UserError

RANDOM = np.random.default_rng(0)
LAYERS = {
    "conv1": [RANDOM.normal(size=(2, 3, 2, 2)).astype("f4"), np.float32([0.5, -1])],
    "fc6": [RANDOM.normal(size=(3, 4)).astype("f4"), np.float32([1, 2, 3])],
}
singles = hnp.arrays(
    np.float32, hnp.array_shapes(max_dims=4, max_side=4), elements=st.floats(width=32)
)
# Unknown fields of every wire type, with numbers that no message read here knows.
unknown_fields = st.lists(
    st.one_of(
        st.integers(0, 2**64 - 1).map(lambda value: varint(8 * 50) + varint(value)),
        st.binary(min_size=8, max_size=8).map(lambda data: varint(8 * 51 + 1) + data),
        st.binary(max_size=20).map(lambda data: record(52, data)),
        st.binary(min_size=4, max_size=4).map(lambda data: varint(8 * 53 + 5) + data),
    ),
    max_size=3,
).map(b"".join)


def _assert_equal(found, wanted, shape_form="new"):
    assert list(found) == list(wanted)
    for name, blobs in wanted.items():
        assert len(found[name]) == len(blobs)
        for values, original in zip(found[name], blobs, strict=True):
            ones = (1,) * (4 - original.ndim) if shape_form == "legacy" else ()
            assert values.shape == ones + original.shape
            np.testing.assert_array_equal(values.reshape(original.shape), original)


@pytest.mark.parametrize(("layer_form", "shape_form", "data_form"), FORMS)
def test_every_form(layer_form, shape_form, data_form, tmp_path):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(caffemodel(LAYERS, layer_form, shape_form, data_form))
    found = read_caffemodel(path)
    _assert_equal(found, LAYERS, shape_form)
    dtype = np.float64 if data_form == "double" else np.float32
    assert {values.dtype for blobs in found.values() for values in blobs} == {np.dtype(dtype)}


@pytest.mark.parametrize("number", [5, 8])
def test_packed_numbers_are_views_of_the_file(number, tmp_path):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(caffemodel(LAYERS, data_form="packed" if number == 5 else "double"))
    for blobs in read_caffemodel(path).values():
        for values in blobs:
            assert not values.flags.owndata
            assert not values.flags.writeable


@given(
    st.dictionaries(st.text(max_size=8), st.lists(singles, min_size=1, max_size=3), min_size=1),
    st.sampled_from(FORMS),
    st.lists(unknown_fields, min_size=3, max_size=3),
)
def test_random_layers_among_unknown_fields(tmp_path_factory, layers, form, unknown):
    layer_form, shape_form, data_form = form
    in_net, before_blob, after_blob = unknown
    path = tmp_path_factory.getbasetemp() / "random.caffemodel"
    data = in_net
    for name, blobs in layers.items():
        contents = [
            before_blob + blob(values, shape_form, data_form) + after_blob for values in blobs
        ]
        data += layer(name, contents, layer_form) + in_net
    path.write_bytes(data)
    _assert_equal(read_caffemodel(path), layers, shape_form)


def test_a_message_of_googles_library(tmp_path):
    """The same from protobuf itself, which MLflow brings along."""
    messages = pytest.importorskip("google.protobuf.message_factory")
    descriptors = pytest.importorskip("google.protobuf.descriptor_pb2")
    pool = pytest.importorskip("google.protobuf.descriptor_pool").DescriptorPool()
    file = descriptors.FileDescriptorProto(name="c.proto", package="c", syntax="proto2")
    # message → (field, number, type); upper case: a message; *: repeated, numbers packed.
    for message, fields in {
        "Shape": "*dim 1 int64",
        "Blob": "Shape 7 Shape,*data 5 float,*diff 6 float,*double_data 8 double,num 1 int32",
        "Layer": "name 1 string,type 2 string,*blobs 7 Blob",
        "V1Layer": "name 4 string,type 5 int32,*blobs 6 Blob",
        "Net": "name 1 string,*layers 2 V1Layer,*layer 100 Layer",
    }.items():
        described = file.message_type.add(name=message)
        for field in fields.split(","):
            name, number, kind = field.split()
            added = described.field.add(name=name.strip("*").lower(), number=int(number))
            added.label = added.LABEL_REPEATED if "*" in name else added.LABEL_OPTIONAL
            if kind[0].isupper():
                added.type, added.type_name = added.TYPE_MESSAGE, f".c.{kind}"
            else:
                added.type = getattr(added, f"TYPE_{kind.upper()}")
                added.options.packed = "*" in name
    pool.Add(file)
    net = messages.GetMessageClass(pool.FindMessageTypeByName("c.Net"))(name="a net")
    for name, blobs in LAYERS.items():
        added = (net.layer if name == "conv1" else net.layers).add(name=name)
        for values in blobs:
            content = added.blobs.add(data=values.ravel(), diff=values.ravel())
            content.shape.dim.extend(values.shape)
    path = tmp_path / "net.caffemodel"
    path.write_bytes(net.SerializeToString())
    found = read_caffemodel(path)
    _assert_equal({name: found[name] for name in LAYERS}, LAYERS)


def test_layers_without_weights_are_left_out(tmp_path):
    path = tmp_path / "net.caffemodel"
    data = layer("data", []) * 2 + caffemodel(LAYERS) + layer("relu1", [])
    path.write_bytes(data)
    _assert_equal(read_caffemodel(path), LAYERS)


def test_numbers_in_several_records(tmp_path):
    path = tmp_path / "net.caffemodel"
    values = np.arange(6, dtype=np.float32)
    parts = record(5, values[:4].tobytes()) + record(7, b"\x0a\x01\x06")
    content = parts + record(5, values[4:].tobytes())
    path.write_bytes(layer("fc6", [content]))
    _assert_equal(read_caffemodel(path), {"fc6": [values]})


def test_where_two_shapes_or_kinds_are_caffe_takes_the_legacy_shape_and_doubles(tmp_path):
    path = tmp_path / "net.caffemodel"
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    both = blob(values, "legacy", "double") + blob(values.T + 1, "new", "packed")
    path.write_bytes(layer("fc6", [both]))
    _assert_equal(read_caffemodel(path), {"fc6": [values]}, "legacy")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (record(7, record(1, b"\x02\x03")) + record(5, bytes(20)), r"5 numbers .* \(2, 3\)"),
        (record(7, record(1, b"\x02\x03")), r"0 numbers in a blob of shape \(2, 3\)"),
        (record(5, bytes(8)), r"2 numbers in a blob of shape \(\)"),
        (b"\x08\x02" + record(5, bytes(8)), r"2 numbers in a blob of shape \(2, 0, 0, 0\)"),
        (record(7, record(1, varint(-1) * 2)) + record(5, bytes(4)), r"shape \(-1, -1\)"),
        (record(7, record(1, b"\x00" + varint(2**62))), r"shape \(0, \d+\)"),
        (record(7, record(1, b"\x01" * 33)) + record(5, bytes(4)), r"1 numbers .* \(1, 1, 1,"),
    ],
)
def test_blobs_whose_numbers_do_not_fit_their_shape(content, found, tmp_path):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(layer("conv4_2", [content]))
    with pytest.raises(UserError, match=rf"byte \d+: layer 'conv4_2': .*{found}"):
        read_caffemodel(path)


def test_files_without_weights_or_with_layers_twice(tmp_path):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(NET_NAME)
    with pytest.raises(UserError, match=r"no layer has weights.*upgrade_net_proto_binary"):
        read_caffemodel(path)
    # The form before V1: the layer proper in field 1 of `layers`, its blobs in field 50.
    old = record(1, record(1, b"conv1") + record(50, blob(LAYERS["conv1"][0])))
    path.write_bytes(NET_NAME + record(2, old))
    with pytest.raises(UserError, match=r"no layer has weights.*upgrade_net_proto_binary"):
        read_caffemodel(path)
    path.write_bytes(caffemodel(LAYERS) + caffemodel({"fc6": LAYERS["fc6"]}, "old"))
    with pytest.raises(UserError, match="two layers called 'fc6' have weights"):
        read_caffemodel(path)


@pytest.mark.parametrize("form", FORMS)
def test_every_truncation_is_an_error_or_leaves_whole_layers(form, tmp_path):
    path = tmp_path / "net.caffemodel"
    whole = caffemodel(LAYERS, *form)
    first = len(caffemodel({"conv1": LAYERS["conv1"]}, *form))
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        if length == first:
            _assert_equal(read_caffemodel(path), {"conv1": LAYERS["conv1"]}, form[1])
            continue
        with pytest.raises(UserError, match=r"net\.caffemodel: "):
            read_caffemodel(path)


@settings(max_examples=400)
@given(
    st.sampled_from(FORMS),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1),
)
def test_changed_bytes_are_an_error_of_ours_or_none(tmp_path_factory, form, changes):
    data = bytearray(caffemodel(LAYERS, *form))
    for place, value in changes:
        data[int(place * len(data))] = value
    _assert_no_bare_exception(tmp_path_factory, bytes(data))


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_random_bytes_are_an_error_of_ours_or_none(tmp_path_factory, data):
    _assert_no_bare_exception(tmp_path_factory, data)
    # Where they surely are parsed: as a blob.
    _assert_no_bare_exception(tmp_path_factory, layer("conv1", [data]))


def _assert_no_bare_exception(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "mutated.caffemodel"
    path.write_bytes(data)
    with contextlib.suppress(UserError):
        for blobs in read_caffemodel(path).values():
            assert all(values.size > 0 for values in blobs)
