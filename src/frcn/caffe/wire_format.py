"""Protobuf's wire format, as far as weight files need it: the fields of a message, one by one.

A message is a row of fields. Each begins with a varint, field number · 8 + wire type, and the wire
type tells how the end of its value is found. Who reads a message picks the numbers that it knows
and thereby skips the others. Nothing is copied: values are views of the file.
Source: protocol buffers' documentation, "Encoding".
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from frcn.errors import UserError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
LONGEST_VARINT = 10
LARGEST_FIELD_NUMBER = 2**29 - 1
REMEDY = (
    "The file is damaged, or no binary caffemodel: extract or fetch it again, and compare the"
    " checksum with the publisher's."
)


@dataclass(frozen=True)
class Message:
    """A stretch of a file: a message, or the value of a field.

    Attributes:
        path: the file.
        data: a view of the bytes.
        offset: where in the file they begin.
    """

    path: Path
    data: memoryview
    offset: int

    def fields(self) -> Iterator["Field"]:
        """The fields in the file's order.

        Raises:
            UserError: a field is malformed or reaches beyond the end of the message.
        """
        position = 0
        while position < len(self.data):
            start = position
            tag, position = self._varint(start)
            number, wire_type = tag >> 3, tag & 7
            if not 1 <= number <= LARGEST_FIELD_NUMBER:
                self.refuse(start, f"field number {number}, wanted 1 to {LARGEST_FIELD_NUMBER}")
            value: int | Message
            if wire_type == VARINT:
                value, position = self._varint(position)
            elif wire_type == BYTES:
                length, position = self._varint(position)
                value, position = self._stretch(start, position, length)
            elif wire_type in FIXED_SIZES:
                value, position = self._stretch(start, position, FIXED_SIZES[wire_type])
            else:
                self.refuse(start, f"wire type {wire_type} of field {number}, wanted 0, 1, 2 or 5")
            yield Field(self, start, number, wire_type, value)

    def varints(self) -> Iterator[int]:
        """The varints of a packed field."""
        position = 0
        while position < len(self.data):
            value, position = self._varint(position)
            yield value

    def refuse(self, position: int, found: str) -> NoReturn:
        """Raise a UserError about what was found ``position`` bytes from this message's start."""
        raise UserError(f"{self.path}: byte {self.offset + position}: {found}. {REMEDY}")

    def _varint(self, start: int) -> tuple[int, int]:
        """An unsigned 64-bit number, 7 bits a byte, lowest first; and the position after it."""
        value = 0
        for index, byte in enumerate(self.data[start : start + LONGEST_VARINT]):
            value |= (byte & 0x7F) << 7 * index
            if byte < 0x80:
                if value >= 2**64:
                    self.refuse(start, "a number of more than 64 bits")
                return value, start + index + 1
        if start + LONGEST_VARINT <= len(self.data):
            self.refuse(start, f"a number of more than {LONGEST_VARINT} bytes")
        self.refuse(start, "the data end within a number")

    def _stretch(self, field_start: int, start: int, length: int) -> tuple["Message", int]:
        left = len(self.data) - start
        if length > left:
            self.refuse(field_start, f"a field of {length} bytes where only {left} are left")
        value = Message(self.path, self.data[start : start + length], self.offset + start)
        return value, start + length


@dataclass(frozen=True)
class Field:
    """A field of a message. Its methods raise UserError if the wire type is not what they want.

    Attributes:
        owner: the message.
        start: where in the message it begins.
        number: which field it is.
        wire_type: 0, 1, 2 or 5.
        value: a varint as it stands, or the bytes of any other value.
    """

    owner: Message
    start: int
    number: int
    wire_type: int
    value: int | Message

    def message(self) -> Message:
        """The message inside."""
        if self.wire_type != BYTES:
            self._refuse_type(BYTES)
        return self.value

    def text(self) -> str:
        """A string."""
        try:
            return bytes(self.message().data).decode()
        except UnicodeDecodeError:
            self.owner.refuse(self.start, f"field {self.number} is no UTF-8 text")

    def integer(self) -> int:
        """A signed integer."""
        if self.wire_type != VARINT:
            self._refuse_type(VARINT)
        return _signed(self.value)

    def integers(self) -> list[int]:
        """The signed integers of one record of a repeated field, packed or not."""
        if self.wire_type == BYTES:
            return [_signed(value) for value in self.value.varints()]
        return [self.integer()]

    def numbers(self, dtype: str) -> np.ndarray:
        """The numbers of one record of a repeated field, packed or not: a read-only (n,) view.

        Args:
            dtype: ``<f4`` for float, ``<f8`` for double. In the file they may stand at any byte.
        """
        size = np.dtype(dtype).itemsize
        unpacked = FIXED32 if size == FIXED_SIZES[FIXED32] else FIXED64
        if self.wire_type not in (BYTES, unpacked):
            self._refuse_type(BYTES)
        if len(self.value.data) % size:
            found = f"field {self.number} of {len(self.value.data)} bytes"
            self.owner.refuse(self.start, f"{found}, wanted a multiple of {size}")
        return np.frombuffer(self.value.data, dtype)

    def _refuse_type(self, wanted: int) -> NoReturn:
        found = f"field {self.number} has wire type {self.wire_type}"
        self.owner.refuse(self.start, f"{found}, wanted {wanted}")


def open_message(path: Path) -> Message:
    """A file as one message, mapped into memory: what is not looked at is not read.

    Raises:
        UserError: the file is missing or empty.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: not found; wanted a caffemodel file. Give its path.")
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise UserError(f"{path}: empty. {REMEDY}")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return Message(path, memoryview(mapped), 0)


def _signed(value: int) -> int:
    """Negative integers are stored as their two's complement of 64 bits."""
    return value - 2**64 if value >= 2**63 else value
