"""Contract assertions and a tiny tree, for our tests and those of whoever adds a data set."""

import re
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from frcn.data import voc_tree
from frcn.data.voc import VOCDataset, image_path
from frcn.seeding import numpy_generator

TINY_CLASSES = ("left", "right")
TINY_SIZE = (48, 64)
"""(H, W) in pixels."""


def assert_is_dataset(dataset: VOCDataset, images: int = 10) -> None:
    """Assert that the first ``images`` entries keep what ``VOCDataset`` promises.

    Raises:
        AssertionError: saying which entry breaks which promise.
    """
    assert dataset.split and isinstance(dataset.split, str), "split: wanted a name"
    assert len(dataset) > 0, "wanted at least one image"
    assert len(set(dataset.ids)) == len(dataset), "ids: wanted one for each image, no two alike"
    assert len(set(dataset.classes)) == len(dataset.classes) > 0, "classes: wanted distinct names"
    for i in range(min(images, len(dataset))):
        _assert_picture(dataset, i)
        _assert_annotation(dataset, i)


def _assert_picture(dataset: VOCDataset, i: int) -> None:
    where = f"image {dataset.ids[i]!r}"
    picture = dataset.image(i)
    assert picture.dtype == np.uint8, f"{where}: found {picture.dtype}, wanted uint8"
    assert picture.ndim == 3 and picture.shape[2] == 3, f"{where}: {picture.shape} is not (H, W, 3)"
    assert dataset.size(i) == picture.shape[:2], f"{where}: size {dataset.size(i)}, not its own"
    assert dataset.image_path(i).is_file(), f"{where}: image_path is no file"
    assert re.fullmatch("[0-9a-f]{64}", dataset.image_hash(i)), f"{where}: hash is no SHA-256"


def _assert_annotation(dataset: VOCDataset, i: int) -> None:
    where = f"annotation of {dataset.ids[i]!r}"
    found = dataset.annotation(i)
    n_objects = len(found.labels)
    for name, shape, dtype in (
        ("boxes", (n_objects, 4), np.float32),
        ("labels", (n_objects,), np.int64),
        ("difficult", (n_objects,), np.bool_),
        ("truncated", (n_objects,), np.bool_),
    ):
        value = getattr(found, name)
        assert value.shape == shape, f"{where}: {name} has shape {value.shape}, wanted {shape}"
        assert value.dtype == dtype, f"{where}: {name} is {value.dtype}, wanted {dtype}"
    labels = found.labels
    assert ((labels >= 1) & (labels <= len(dataset.classes))).all(), f"{where}: labels not in 1…K"
    height, width = dataset.size(i)
    x1, y1, x2, y2 = found.boxes.T
    inside = (x1 >= 0) & (y1 >= 0) & (x2 > x1) & (y2 > y1) & (x2 < width) & (y2 < height)
    assert inside.all(), f"{where}: boxes {found.boxes[~inside].tolist()} not inside the picture"


def write_tiny_tree(root: Path, image_sets: Mapping[str, int], seed: int = 0) -> None:
    """Write a VOC tree of ``TINY_SIZE`` noise pictures with one rectangle of each tiny class.

    ``image_sets`` gives the number of images of each set; image 3 of ``test`` is ``test_3``.
    """
    height, width = TINY_SIZE
    rng = numpy_generator(seed, "tiny tree")
    voc_tree.make_folders(root)
    for image_set, count in image_sets.items():
        images = []
        for i in range(count):
            pixels = rng.integers(0, 60, (height, width, 3), dtype=np.uint8)
            objects = []
            for place, name in enumerate(TINY_CLASSES):
                x1, y1 = int(rng.integers(0, 8)) + place * width // 2, int(rng.integers(0, 20))
                x2, y2 = x1 + int(rng.integers(12, 22)), y1 + int(rng.integers(12, 22))
                pixels[y1 : y2 + 1, x1 : x2 + 1] = rng.integers(120, 255, 3)
                objects.append(voc_tree.VOCObject(name, (x1, y1, x2, y2), False, False))
            image = voc_tree.VOCImage(f"{image_set}_{i}", width, height, tuple(objects))
            voc_tree.write_annotation(root, image)
            cv2.imwrite(str(image_path(root, image.image_id)), pixels)
            images.append(image)
        voc_tree.write_image_set(root, image_set, TINY_CLASSES, images)
