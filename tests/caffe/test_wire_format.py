"""The wire format: the documentation's examples, every varint, and what is wrong with bad bytes."""

import numpy as np
import pytest
from caffe_writer import record, varint
from hypothesis import given
from hypothesis import strategies as st

from frcn.caffe.wire_format import Message, open_message
from frcn.errors import UserError


def _message(data: bytes) -> Message:
    return Message("f.caffemodel", memoryview(data), 0)


def _only(data: bytes):
    (field,) = _message(data).fields()
    return field


def test_examples_of_the_documentation():
    # Its page "Encoding".
    assert _only(bytes.fromhex("08 96 01")).integer() == 150
    assert _only(bytes.fromhex("12 07 74 65 73 74 69 6e 67")).text() == "testing"
    assert _only(bytes.fromhex("32 06 03 8e 02 9e a7 05")).integers() == [3, 270, 86942]
    assert _only(bytes.fromhex("08 fe ff ff ff ff ff ff ff ff 01")).integer() == -2


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**29 - 1))
def test_varints_round_trip(value, number):
    field = _only(varint(8 * number) + varint(value))
    assert (field.number, field.value) == (number, value)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_signed_integers_round_trip_packed_and_not(values):
    packed = _only(record(1, b"".join(map(varint, values))))
    assert packed.integers() == values
    unpacked = _message(b"".join(b"\x08" + varint(value) for value in values)).fields()
    assert [field.integers() for field in unpacked] == [[value] for value in values]


def test_numbers_are_views_at_any_byte(tmp_path):
    values = np.array([1.5, -2.0, 3e30], dtype=np.float32)
    for odd in range(4):
        path = tmp_path / f"{odd}.caffemodel"
        path.write_bytes(record(1, b"x" * odd) + record(2, values.tobytes()))
        _, field = open_message(path).fields()
        found = field.numbers("<f4")
        assert found.tolist() == values.tolist()
        assert np.shares_memory(found, np.frombuffer(field.owner.data, np.uint8))
        assert not found.flags.writeable


def test_a_value_inside_knows_its_place_in_the_file():
    inner = b"\x08\x01" + b"\x0b"
    message = _only(record(1, b"\x08\x01")).message()
    assert (message.offset, bytes(message.data)) == (2, b"\x08\x01")
    outer = next(_message(record(1, record(2, inner))).fields()).message()
    middle = next(outer.fields()).message()
    with pytest.raises(UserError, match=r"^f\.caffemodel: byte 6: wire type 3 of field 1"):
        list(middle.fields())


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("08", "byte 1: the data end within a number"),
        ("0896", "byte 1: the data end within a number"),
        ("08" + "ff" * 10 + "01", "byte 1: a number of more than 10 bytes"),
        ("08" + "ff" * 9 + "02", "byte 1: a number of more than 64 bits"),
        ("00 01", "byte 0: field number 0, wanted 1 to 536870911"),
        ("80 80 80 80 10", "byte 0: field number 536870912, wanted 1 to 536870911"),
        ("0801 12 05 6162", "byte 2: a field of 5 bytes where only 2 are left"),
        ("0d 000000", "byte 0: a field of 4 bytes where only 3 are left"),
        ("09 00000000000000", "byte 0: a field of 8 bytes where only 7 are left"),
        ("0c", "byte 0: wire type 4 of field 1, wanted 0, 1, 2 or 5"),
        ("6e616d65", "byte 0: wire type 6 of field 13"),  # `name`, as a prototxt begins
    ],
)
def test_malformed_messages(data, found):
    with pytest.raises(UserError) as error:
        list(_message(bytes.fromhex(data)).fields())
    assert str(error.value).startswith(f"f.caffemodel: {found}")
    assert "extract or fetch it again" in str(error.value)


@pytest.mark.parametrize(
    ("data", "read", "found"),
    [
        ("0801", lambda f: f.message(), "byte 0: field 1 has wire type 0, wanted 2"),
        ("0a00", lambda f: f.integer(), "byte 0: field 1 has wire type 2, wanted 0"),
        ("0d00000000", lambda f: f.integers(), "byte 0: field 1 has wire type 5, wanted 0"),
        ("0801", lambda f: f.numbers("<f4"), "byte 0: field 1 has wire type 0, wanted 2"),
        ("0d00000000", lambda f: f.numbers("<f8"), "byte 0: field 1 has wire type 5, wanted 2"),
        ("0a03000000", lambda f: f.numbers("<f4"), "field 1 of 3 bytes, wanted a multiple of 4"),
        ("0a01ff", lambda f: f.text(), "byte 0: field 1 is no UTF-8 text"),
        ("0a0180", lambda f: f.integers(), "byte 2: the data end within a number"),
    ],
)
def test_fields_of_another_type(data, read, found):
    with pytest.raises(UserError, match=found):
        read(_only(bytes.fromhex(data)))


def test_missing_and_empty_files(tmp_path):
    with pytest.raises(UserError, match="none: not found; wanted a caffemodel"):
        open_message(tmp_path / "none")
    with pytest.raises(UserError, match="not found"):
        open_message(tmp_path)
    (tmp_path / "empty").touch()
    with pytest.raises(UserError, match="empty: empty"):
        open_message(tmp_path / "empty")
