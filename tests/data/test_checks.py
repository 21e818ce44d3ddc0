"""Every kind of bad data is found, and all of them at once."""

import io
import re

import cv2
import numpy as np
import pytest
from PIL import Image

from frcn import config
from frcn.data.checks import check_tree, report
from frcn.data.jpeg import colour_kind
from frcn.data.testing import TINY_CLASSES, write_tiny_tree
from frcn.errors import UserError


@pytest.fixture
def tree(tmp_path):
    write_tiny_tree(tmp_path, {"train": 2, "test": 2})
    return tmp_path


def data(**splits):
    return config.Data(
        root="unused",
        source={"kind": "folder", "path": "."},
        classes=list(TINY_CLASSES),
        splits=splits or {"train": "train", "test": "test"},
    )


def edit(pattern, replacement):
    """A fault that rewrites the first match in train_1's annotation."""

    def apply(tree):
        path = tree / "Annotations/train_1.xml"
        text, count = re.subn(pattern, replacement, path.read_text(), count=1, flags=re.DOTALL)
        assert count == 1
        path.write_text(text)

    return apply


def picture(change):
    """A fault that rewrites the bytes of train_1's picture."""

    def apply(tree):
        path = tree / "JPEGImages/train_1.jpg"
        path.write_bytes(change(path.read_bytes()))

    return apply


def image_set(text):
    return lambda tree: (tree / "ImageSets/Main/train.txt").write_text(text)


def grey(_):
    return cv2.imencode(".jpg", np.full((48, 64), 99, dtype=np.uint8))[1].tobytes()


def cmyk(_):
    file = io.BytesIO()
    Image.new("CMYK", (64, 48)).save(file, "JPEG")
    return file.getvalue()


def too_wide(tree):
    jpeg = cv2.imencode(".jpg", np.zeros((48, 2**15, 3), dtype=np.uint8))[1]
    picture(lambda _: jpeg.tobytes())(tree)
    edit("<width>64</width>", f"<width>{2**15}</width>")(tree)


BOX = r"<xmin>\d+</xmin>(.*?)<ymin>\d+</ymin>(.*?)<xmax>\d+</xmax>(.*?)<ymax>\d+</ymax>"


def box(x1, y1, x2, y2):
    return edit(
        BOX,
        rf"<xmin>{x1}</xmin>\1<ymin>{y1}</ymin>\2<xmax>{x2}</xmax>\3<ymax>{y2}</ymax>",
    )


FAULTS = {
    "truncated": (picture(lambda jpeg: jpeg[: len(jpeg) // 2]), "truncated JPEG", "train_1", None),
    "no end marker": (picture(lambda jpeg: jpeg[:-2]), "truncated JPEG", "train_1", None),
    "half an end marker": (picture(lambda jpeg: jpeg[:-1]), "truncated JPEG", "train_1", None),
    "cut in a header": (picture(lambda jpeg: jpeg[:30]), "truncated JPEG", "train_1", None),
    "empty file": (picture(lambda _: b""), "not a JPEG", "train_1", None),
    "a page of text": (picture(lambda _: b"<html>"), "not a JPEG", "train_1", None),
    "CMYK": (picture(cmyk), "CMYK JPEG", "train_1", None),
    "too wide": (too_wide, "is 32768x48, wanted sides of at most 32767", "train_1", None),
    "grey": (picture(grey), "grey JPEG", "train_1", None),
    "no picture": (lambda t: (t / "JPEGImages/train_1.jpg").unlink(), "not found", "train_1", None),
    "no XML": (lambda t: (t / "Annotations/train_1.xml").unlink(), "not found", "train_1", None),
    "broken XML": (edit("</annotation>", ""), "does not parse", "train_1", None),
    "DOCTYPE": (edit("^", "<!DOCTYPE x>"), "DOCTYPE", "train_1", None),
    "no size": (edit("<size>.*</size>", ""), "<size/height>: found nothing", "train_1", None),
    "size 0x0": (
        edit("<size>.*</size>", "<size><width>0</width><height>0</height></size>"),
        "size is 0x0",
        "train_1",
        None,
    ),
    "other size": (
        edit("<width>64</width>", "<width>65</width>"),
        "size is 65x48, the picture's is 64x48",
        "train_1",
        None,
    ),
    "no object": (edit("<object>.*</object>", ""), "has no object", "train_1", None),
    "left of picture": (box(0, 1, 9, 9), "not inside", "train_1", 0),
    "above picture": (box(1, 0, 9, 9), "not inside", "train_1", 0),
    "right of picture": (box(1, 1, 65, 9), "not inside the picture, 1 1 64 48", "train_1", 0),
    "below picture": (box(1, 1, 9, 49), "not inside", "train_1", 0),
    "inverted": (box(9, 1, 3, 9), "box 9 1 3 9 is inverted", "train_1", 0),
    "no extent": (box(9, 9, 9, 9), "no extent", "train_1", 0),
    "no number": (box(1, "one", 9, 9), "<bndbox/ymin>: found 'one'", "train_1", 0),
    "unknown class": (edit("<name>right", "<name>rigth"), "unknown class 'rigth'", "train_1", 1),
    "empty split": (image_set("\n"), "is empty", None, None),
    "no split": (lambda t: (t / "ImageSets/Main/train.txt").unlink(), "not found", None, None),
    "twice": (image_set("train_0\ntrain_1\ntrain_0\n"), "lists 'train_0' 2 times", None, None),
    "overlap": (image_set("train_0\ntest_1\n"), "shares 1 image(s) with split", None, None),
    "path": (image_set("../../etc/passwd\ntrain_0\n"), "is a path", None, None),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_alone_and_named(tree, name):
    fault, text, image_id, index = FAULTS[name]
    fault(tree)
    (problem,) = check_tree(data(), tree)
    assert text in problem.problem
    assert (problem.image_id, problem.index) == (image_id, index)
    assert (image_id or "ImageSets") in problem.file
    assert problem.remedy.endswith(".")


@pytest.mark.parametrize("edge", [(1, 1, 64, 48), (63, 47, 64, 48), ("1.0", 1, 2, 2)])
def test_boxes_that_touch_the_edge_are_sound(tree, edge):
    box(*edge)(tree)
    assert check_tree(data(), tree) == []


def test_other_files_of_the_tree_do_not_matter(tree):
    (tree / "JPEGImages/train_1.jpg").write_bytes(b"")
    assert check_tree(data(test="test"), tree) == []


def test_one_set_under_two_names_overlaps(tree):
    (problem,) = check_tree(data(train="train", again="train"), tree)
    assert "shares 2 image(s)" in problem.problem


def test_all_problems_come_at_once(tree):
    box(9, 1, 3, 9)(tree)
    edit("<name>right", "<name>rigth")(tree)
    (tree / "JPEGImages/test_0.jpg").write_bytes(b"x")
    problems = check_tree(data(), tree, workers=2)
    assert [(problem.image_id, problem.index) for problem in problems] == [
        ("train_1", 0),
        ("train_1", 1),
        ("test_0", None),
    ]
    message = report(problems, "somewhere")
    assert message.startswith("somewhere: 3 problem(s)")
    assert all(str(problem) in message for problem in problems)
    assert "on_invalid" in message


@pytest.mark.parametrize("cut", range(2, 60, 7))
def test_every_cut_of_a_jpeg_is_noticed(tree, cut):
    jpeg = (tree / "JPEGImages/train_0.jpg").read_bytes()
    assert colour_kind(jpeg) == "colour"
    assert colour_kind(jpeg + b"\0 padding") == "colour"
    for end in (cut, len(jpeg) - cut):
        with pytest.raises(UserError, match="truncated"):
            colour_kind(jpeg[:end])


@pytest.mark.parametrize("quality", [1, 100])
def test_more_pixels_than_a_jpeg_can_hold(quality):
    """A flat picture at the lowest quality is what holds the most pixels a byte."""
    flat = np.full((4000, 4000, 3), 128, dtype=np.uint8)
    jpeg = cv2.imencode(".jpg", flat, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    assert colour_kind(jpeg) == "colour"
    frame = jpeg.index(b"\xff\xc0")
    huge = jpeg[: frame + 5] + b"\xff\xff\xff\xff" + jpeg[frame + 9 :]
    with pytest.raises(UserError, match="states 65535x65535 pixels, more than"):
        colour_kind(huge)
