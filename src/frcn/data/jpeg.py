"""What a JPEG file says about itself: number of colour components, and whether it is whole.

Decoders fill what is missing from a truncated file with grey and some say nothing, so the
markers are walked here.  Source: the marker syntax of ITU-T T.81, annex B.
"""

from frcn.errors import UserError

START_OF_IMAGE = b"\xff\xd8"
END_OF_IMAGE = 0xD9
START_OF_SCAN = 0xDA
# 0xC0…0xCF start a frame, but for the tables and the reserved code among them.
START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
RESTART = range(0xD0, 0xD8)
COLOURS = {1: "grey", 3: "colour", 4: "CMYK"}
PIXELS_PER_BYTE = 512
"""At most: each 8 × 8 block takes at least one bit, for its mean. A header that states more would
only make the decoder ask for gigabytes."""


def colour_kind(data: bytes) -> str:
    """``grey``, ``colour`` or ``CMYK``, from the bytes of a JPEG file.

    Raises:
        UserError: the bytes are no JPEG, end before the end-of-image marker, or state more pixels
            than they can hold.
    """
    if not data.startswith(START_OF_IMAGE):
        raise UserError(f"not a JPEG (starts with {data[:4]!r})")
    components = None
    position = 2
    try:
        while (marker := data[position + 1]) != END_OF_IMAGE:
            if data[position] != 0xFF:
                raise UserError(f"damaged JPEG: no marker at byte {position}")
            if marker == 0xFF:  # a fill byte
                position += 1
                continue
            if marker in START_OF_FRAME:
                components = data[position + 9]
                _check_sides(data, position + 5)
            position += 2 + int.from_bytes(data[position + 2 : position + 4])
            if marker == START_OF_SCAN:
                position = _end_of_scan(data, position)
    except IndexError:
        raise UserError(f"truncated JPEG: ends after {len(data)} bytes without its end") from None
    return COLOURS.get(components, f"{components}-component")


def _check_sides(data: bytes, position: int) -> None:
    height, width = (int.from_bytes(data[i : i + 2]) for i in (position, position + 2))
    if height * width > PIXELS_PER_BYTE * len(data):
        raise UserError(
            f"damaged JPEG: states {width}x{height} pixels, more than {len(data)} bytes can hold"
        )


def _end_of_scan(data: bytes, position: int) -> int:
    # In entropy-coded data 0xFF is followed by 0x00 or a restart number; else a marker begins.
    while (position := data.find(b"\xff", position)) >= 0:
        if data[position + 1] != 0 and data[position + 1] not in RESTART:
            return position
        position += 2
    raise IndexError
