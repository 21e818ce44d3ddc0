"""The VOC reader, on trees that the tests write themselves."""

import hashlib
from dataclasses import replace

import cv2
import numpy as np
import pytest

from frcn import config
from frcn.data.testing import TINY_CLASSES, TINY_SIZE, assert_is_dataset, write_tiny_tree
from frcn.data.voc import VOCDataset, open_split
from frcn.errors import UserError

OBJECT = """<object><name>{name}</name>{flags}<bndbox>
<ymax>{box[3]}</ymax><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax>
</bndbox><part><name>head</name><bndbox><xmin>1</xmin></bndbox></part></object>"""


@pytest.fixture
def tree(tmp_path):
    write_tiny_tree(tmp_path, {"train": 3, "test": 2})
    return tmp_path


def annotate(tree, image_id, *objects, size="<width>64</width><height>48</height>", head=""):
    text = f"{head}<annotation><size>{size}</size>{''.join(objects)}</annotation>"
    (tree / "Annotations" / f"{image_id}.xml").write_text(text)


def test_a_tiny_tree_keeps_the_contract(tree):
    dataset = VOCDataset(tree, "train", TINY_CLASSES)
    assert_is_dataset(dataset)
    assert dataset.ids == ["train_0", "train_1", "train_2"]
    assert dataset.split == "train"
    assert dataset.size(0) == TINY_SIZE


def test_values_come_out_as_written_less_one(tree):
    annotate(
        tree,
        "train_0",
        OBJECT.format(name="right", flags="<difficult>1</difficult>", box=(3, 5, 20, 30)),
        OBJECT.format(name=" left ", flags="<truncated>1</truncated>", box=(1, 1, "64.0", "45.7")),
    )
    found = VOCDataset(tree, "train", TINY_CLASSES).annotation(0)
    np.testing.assert_array_equal(
        found.boxes, np.array([[2, 4, 19, 29], [0, 0, 63, 44.7]], dtype=np.float32)
    )
    assert found.labels.tolist() == [2, 1]
    assert found.difficult.tolist() == [True, False]
    assert found.truncated.tolist() == [False, True]


def test_an_annotation_without_objects_is_empty(tree):
    annotate(tree, "train_1")
    found = VOCDataset(tree, "train", TINY_CLASSES).annotation(1)
    assert found.boxes.shape == (0, 4)
    assert found.labels.shape == found.difficult.shape == found.truncated.shape == (0,)


def test_annotations_are_parsed_once(tree):
    dataset = VOCDataset(tree, "train", TINY_CLASSES)
    first = dataset.annotation(0)
    (tree / "Annotations" / "train_0.xml").unlink()
    assert dataset.annotation(0) is first


def test_pixels_and_hash_are_those_of_the_file(tree):
    dataset = VOCDataset(tree, "test", TINY_CLASSES)
    data = dataset.image_path(1).read_bytes()
    np.testing.assert_array_equal(
        dataset.image(1), cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    )
    assert dataset.image_hash(1) == hashlib.sha256(data).hexdigest()


def test_exif_rotation_is_ignored(tree):
    path = tree / "JPEGImages" / "train_0.jpg"
    data = path.read_bytes()
    # An APP1 segment with one little-endian TIFF entry: orientation (0x0112) = 6, a quarter turn.
    tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    exif = b"Exif\0\0" + tiff
    path.write_bytes(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif + data[2:])
    assert cv2.imread(str(path)).shape[:2] == TINY_SIZE[::-1]  # the segment does rotate
    assert VOCDataset(tree, "train", TINY_CLASSES).image(0).shape[:2] == TINY_SIZE


@pytest.mark.parametrize(
    ("objects", "head", "message"),
    [
        ([OBJECT.format(name="dog", flags="", box=(1, 1, 9, 9))], "", "'dog' is not among"),
        (
            [OBJECT.format(name="left", flags="", box=(1, 1, "x", 9))],
            "",
            "xmax>: found 'x'",
        ),
        ([OBJECT.format(name="left", flags="", box=(1, 1, "inf", 9))], "", "found 'inf'"),
        (["<object>"], "", "XML does not parse"),
        ([], '<!DOCTYPE a [<!ENTITY e "x">]>', "DOCTYPE"),
    ],
)
def test_a_bad_annotation_is_named(tree, objects, head, message):
    annotate(tree, "train_2", *objects, head=head)
    with pytest.raises(UserError, match=r"train_2\.xml: .*Mend") as caught:
        VOCDataset(tree, "train", TINY_CLASSES).annotation(2)
    assert message in str(caught.value)


def test_missing_files_are_named(tree):
    dataset = VOCDataset(tree, "train", TINY_CLASSES)
    dataset.image_path(0).unlink()
    (tree / "Annotations" / "train_0.xml").unlink()
    with pytest.raises(UserError, match=r"train_0\.jpg"):
        dataset.image(0)
    with pytest.raises(UserError, match=r"train_0\.xml: not found"):
        dataset.annotation(0)
    with pytest.raises(UserError, match=r"val\.txt: not found"):
        VOCDataset(tree, "val", TINY_CLASSES)


def test_open_split_maps_the_split_to_its_image_set(tree):
    data = config.Data(
        root=tree.name,
        source={"kind": "folder", "path": "."},
        classes=list(TINY_CLASSES),
        splits={"fit": "train"},
    )
    dataset = open_split(data, "fit", tree.parent)
    assert (dataset.split, dataset.image_set, len(dataset)) == ("fit", "train", 3)
    with pytest.raises(UserError, match="no split 'test'"):
        open_split(data, "test", tree.parent)


def test_the_contract_assertion_finds_a_breach(tree):
    dataset = VOCDataset(tree, "train", TINY_CLASSES)
    size, found = dataset.size(1), dataset.annotation(1)
    boxes = found.boxes.copy()
    boxes[0, 2] = 64
    dataset._parsed[1] = size, replace(found, boxes=boxes)
    with pytest.raises(AssertionError, match=r"train_1.*not inside"):
        assert_is_dataset(dataset)
