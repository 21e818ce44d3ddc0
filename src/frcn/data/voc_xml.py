"""Reading one VOC annotation file: its picture size and its objects, as written, unjudged.

Whether the values make sense is the business of ``frcn.data.checks``; here only what cannot be
read at all is an error. Messages leave out the file's name, which callers know and add.
"""

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from frcn.errors import UserError

CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class ObjectXML:
    """One ``<object>``; ``corners`` are ``x1 y1 x2 y2`` as in the file: 1-based, inclusive."""

    name: str
    corners: tuple[float, float, float, float]
    difficult: bool
    truncated: bool


class _NoDoctype(ET.TreeBuilder):
    """Refuses document type declarations, the carriers of entity-expansion attacks."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise UserError(f"has a DOCTYPE ({name}), which VOC annotations never need")


def read_tree(path: Path) -> ET.Element:
    """Parse an annotation file.

    Raises:
        UserError: the file is missing, does not parse, or has a DOCTYPE.
    """
    try:
        return ET.fromstring(Path(path).read_bytes(), parser=ET.XMLParser(target=_NoDoctype()))
    except FileNotFoundError:
        raise UserError("not found") from None
    except (ET.ParseError, ValueError, LookupError) as error:  # the last: no such encoding
        raise UserError(f"XML does not parse: {error}") from None


def read_size(root: ET.Element) -> tuple[int, int]:
    """(height, width) in pixels, as the annotation states them.

    Raises:
        UserError: one is missing or no number.
    """
    height, width = (_number(root, f"size/{key}") for key in ("height", "width"))
    return int(height), int(width)


def read_object(element: ET.Element) -> ObjectXML:
    """One ``<object>`` element; ``difficult`` and ``truncated`` are 0 where they are left out.

    Raises:
        UserError: a corner is missing, or a value is no number.
    """
    name = (element.findtext("name") or "").strip()
    x1, y1, x2, y2 = (_number(element, f"bndbox/{corner}") for corner in CORNERS)
    return ObjectXML(
        name=name,
        corners=(x1, y1, x2, y2),
        difficult=_flag(element, "difficult"),
        truncated=_flag(element, "truncated"),
    )


def _flag(element: ET.Element, key: str) -> bool:
    return element.find(key) is not None and _number(element, key) != 0


def _number(element: ET.Element, path: str) -> float:
    text = element.findtext(path)
    try:
        value = float(text if text is not None else "nothing")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        found = "nothing" if text is None else repr(text.strip())
        raise UserError(f"<{path}>: found {found}, wanted a number")
    return value
