"""Writing VOC devkit trees, as the reader in ``frcn.data.voc`` and the devkit expect them."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from frcn.data.voc import annotation_path, image_path, image_set_path


@dataclass(frozen=True)
class VOCObject:
    """One object; ``box`` is ``x1 y1 x2 y2`` in pixels, 0-based inclusive."""

    name: str
    box: tuple[int, int, int, int]
    difficult: bool
    truncated: bool


@dataclass(frozen=True)
class VOCImage:
    """The annotation of one picture of three channels; sizes in pixels."""

    image_id: str
    width: int
    height: int
    objects: tuple[VOCObject, ...]


def make_folders(root: Path) -> None:
    """Make the three folders of a VOC tree."""
    for path in (image_path(root, "_"), annotation_path(root, "_"), image_set_path(root, "_")):
        path.parent.mkdir(parents=True, exist_ok=True)


def write_annotation(root: Path, image: VOCImage) -> None:
    """Write ``Annotations/<id>.xml``, with corners 1-based as VOC has them."""
    annotation = ET.Element("annotation")
    _add(annotation, {"folder": Path(root).name, "filename": f"{image.image_id}.jpg"})
    _add(
        ET.SubElement(annotation, "size"),
        {"width": image.width, "height": image.height, "depth": 3},
    )
    _add(annotation, {"segmented": 0})
    for thing in image.objects:
        _add_object(annotation, thing)
    ET.indent(annotation, "\t")
    path = annotation_path(root, image.image_id)
    path.write_text(ET.tostring(annotation, encoding="unicode") + "\n")


def _add_object(annotation: ET.Element, thing: VOCObject) -> None:
    element = ET.SubElement(annotation, "object")
    flags = {"truncated": int(thing.truncated), "difficult": int(thing.difficult)}
    _add(element, {"name": thing.name, "pose": "Unspecified", **flags})
    corners = dict(zip(("xmin", "ymin", "xmax", "ymax"), thing.box, strict=True))
    _add(
        ET.SubElement(element, "bndbox"),
        {name: coordinate + 1 for name, coordinate in corners.items()},
    )


def _add(parent: ET.Element, values: dict[str, object]) -> None:
    for name, value in values.items():
        ET.SubElement(parent, name).text = str(value)


def write_image_set(
    root: Path, image_set: str, classes: Sequence[str], images: Sequence[VOCImage]
) -> None:
    """Write ``ImageSets/Main/<set>.txt`` and one ``<class>_<set>.txt`` per class.

    A class file states for each image 1 (the class is there), 0 (there, but all its objects are
    difficult) or -1 (not there), as in the VOC devkit.
    """
    lines = [image.image_id for image in images]
    _write_lines(image_set_path(root, image_set), lines)
    for name in classes:
        lines = [f"{image.image_id} {presence(image, name):2d}" for image in images]
        _write_lines(image_set_path(root, f"{name}_{image_set}"), lines)


def presence(image: VOCImage, name: str) -> int:
    """1, 0 or -1: whether a class is in an image, or only as difficult objects, or not."""
    flags = [thing.difficult for thing in image.objects if thing.name == name]
    if not flags:
        return -1
    return 0 if all(flags) else 1


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines))
