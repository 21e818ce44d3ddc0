"""Archives shaped like VOC2007's and VOC2012's, with few pictures."""

import hashlib
import os
import tarfile
from collections.abc import Iterator
from itertools import count, cycle, islice
from pathlib import Path

import cv2
import numpy as np

from frcn.data.shapes import render
from frcn.data.voc import image_path
from frcn.data.voc_tree import (
    VOCImage,
    VOCObject,
    make_folders,
    write_annotation,
    write_image_set,
)
from frcn.seeding import numpy_generator

SIBLING = Path(__file__).parents[2] / "shared" / "data" / "voc07_demo"
DEMO = Path(os.environ.get("FRCN_VOC07_DEMO", SIBLING))
CONTENT = {
    "VOCtrainval_06-Nov-2007.tar": ("VOC2007", "trainval", "00000{}", 5),
    "VOCtest_06-Nov-2007.tar": ("VOC2007", "test", "00010{}", 4),
    "VOCtrainval_11-May-2012.tar": ("VOC2012", "trainval", "2008_00000{}", 3),
}
"""By archive: its tree, its image set, how ids are written, and the number of pictures."""
OBJECTS = 5
SIZE = (500, 375)
"""(W, H) in pixels, VOC's most frequent."""


def write_archives(folder: Path, classes: list[str]) -> dict[str, dict]:
    """Write the three archives; returns what a config knows of each, but for its addresses.

    Pictures are the photographs of VOC 2007 that are at hand, mirrored to have more of them, else
    generated ones of their size. Boxes are random. Each picture has five objects, the first of
    which is difficult; the four test pictures have one object of each of 20 classes.
    """
    known = {}
    pictures, labels = _pictures(), cycle(classes)
    for name, (tree, image_set, pattern, images) in CONTENT.items():
        root = folder / "unpacked" / name / "VOCdevkit" / tree
        make_folders(root)
        written = []
        for i, picture in enumerate(islice(pictures, images), start=1):
            height, width = picture.shape[:2]
            objects = _objects(pattern.format(i), islice(labels, OBJECTS), height, width)
            written.append(VOCImage(pattern.format(i), width, height, objects))
            write_annotation(root, written[-1])
            cv2.imwrite(str(image_path(root, pattern.format(i))), picture)
        write_image_set(root, image_set, classes, written)
        with tarfile.open(folder / name, "w") as tar:
            tar.add(root.parent, root.parent.name)
        data = (folder / name).read_bytes()
        known[name] = {"size": len(data), "md5": hashlib.md5(data).hexdigest()}
    return known


def _pictures() -> Iterator[np.ndarray]:
    photographs = [cv2.imread(str(path)) for path in sorted(DEMO.glob("*.jpg"))]
    for i in count():
        if not photographs:
            yield cv2.resize(render(0, "voc", i).image, SIZE)
        else:
            turn, index = divmod(i, len(photographs))
            yield photographs[index][:, :: -1 if turn % 2 else 1]


def _objects(image_id: str, names: Iterator[str], height: int, width: int) -> tuple[VOCObject, ...]:
    rng = numpy_generator(0, image_id)
    objects = []
    for i, name in enumerate(names):
        x1, y1 = int(rng.integers(0, width // 2)), int(rng.integers(0, height // 2))
        x2 = int(rng.integers(x1 + 20, width))
        y2 = int(rng.integers(y1 + 20, height))
        objects.append(VOCObject(name, (x1, y1, x2, y2), difficult=i == 0, truncated=False))
    return tuple(objects)
