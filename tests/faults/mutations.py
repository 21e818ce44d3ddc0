"""Seeded damage to files: what disks, editors and annotation tools do to them."""

import re

import numpy as np

TAG = re.compile(rb"</?\w+>")
NUMBER = re.compile(rb">(-?[\d.]+)<")
NUMBERS = (b"1e308", b"-1e308", b"9" * 400, b"nan", b"inf", b"-inf", b"0x10", b"", b"1_0", b"-0")
ENTITIES = (b"&lt;", b"&nope;", b"&#0;", b"&#x110000;", b"&#65;", b"&")
PROLOGUES = (
    b'<?xml version="1.0" encoding="utf-16"?>',
    b'<?xml version="1.0" encoding="no-such-code"?>',
    b'<?xml version="1.0" encoding="utf-7"?>',
    b'<!DOCTYPE a [<!ENTITY b "c">]>',
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"<" * 50,
    b"<a>" * 2000,
)


def flip_bits(data: bytes, rng: np.random.Generator) -> bytes:
    """One to four bits inverted."""
    damaged = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        damaged[rng.integers(len(data))] ^= 1 << rng.integers(8)
    return bytes(damaged)


def overwrite(data: bytes, rng: np.random.Generator) -> bytes:
    """A run of up to 64 bytes replaced by random ones."""
    start = rng.integers(len(data))
    return data[:start] + rng.bytes(rng.integers(1, 65)) + data[start + 64 :]


def truncate(data: bytes, rng: np.random.Generator) -> bytes:
    """The end is missing; perhaps nothing is left."""
    return data[: rng.integers(len(data))]


def delete(data: bytes, rng: np.random.Generator) -> bytes:
    """A piece is missing."""
    start, stop = sorted(rng.integers(len(data), size=2))
    return data[:start] + data[stop:]


def duplicate(data: bytes, rng: np.random.Generator) -> bytes:
    """A piece stands there twice."""
    start, stop = sorted(rng.integers(len(data), size=2))
    return data[:stop] + data[start:]


def _replace(
    pattern: re.Pattern, data: bytes, rng: np.random.Generator, replacements: tuple[bytes, ...]
) -> bytes:
    found = list(pattern.finditer(data))
    match = found[rng.integers(len(found))]
    new = replacements[rng.integers(len(replacements))]
    return data[: match.start(match.lastindex or 0)] + new + data[match.end(match.lastindex or 0) :]


def drop_tag(data: bytes, rng: np.random.Generator) -> bytes:
    """A tag is missing."""
    return _replace(TAG, data, rng, (b"",))


def swap_tag(data: bytes, rng: np.random.Generator) -> bytes:
    """A tag is another."""
    return _replace(TAG, data, rng, (b"<object>", b"</object>", b"<xmin>", b"<object/>"))


def odd_number(data: bytes, rng: np.random.Generator) -> bytes:
    """A number is huge, infinite, not a number, or missing."""
    return _replace(NUMBER, data, rng, NUMBERS)


def entity(data: bytes, rng: np.random.Generator) -> bytes:
    """A value is an entity, known or not."""
    return _replace(NUMBER, data, rng, ENTITIES)


def prologue(data: bytes, rng: np.random.Generator) -> bytes:
    """The file starts with another encoding, a DOCTYPE, or depth."""
    return PROLOGUES[rng.integers(len(PROLOGUES))] + data


def huge_frame(data: bytes, rng: np.random.Generator) -> bytes:
    """A JPEG's frame header states sides of up to 65535 pixels (ITU-T T.81, B.2.2)."""
    frame = data.index(b"\xff\xc0")
    return data[: frame + 5] + rng.bytes(4) + data[frame + 9 :]


ANY = (flip_bits, overwrite, truncate, delete, duplicate)
ANNOTATION = (*ANY, drop_tag, swap_tag, odd_number, entity, prologue)
PICTURE = (*ANY, huge_frame)
