"""The writer of VOC trees, by its reader, by a hand-written file and by any valid objects."""

import xml.etree.ElementTree as ET

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from frcn.data.contact_sheet import GAP, annotated, contact_sheet
from frcn.data.voc import Annotation, VOCDataset, annotation_path, image_set_path
from frcn.data.voc_tree import VOCImage, VOCObject, make_folders, write_annotation, write_image_set

CLASSES = ("dog", "bird & co")
HARD = {"difficult": True, "truncated": False}
EASY = {"difficult": False, "truncated": False}


def _image(image_id: str, *objects: VOCObject) -> VOCImage:
    return VOCImage(image_id, width=40, height=30, objects=objects)


def test_corners_are_written_one_based(tmp_path):
    make_folders(tmp_path)
    write_annotation(tmp_path, _image("a", VOCObject("dog", (0, 3, 39, 29), False, True)))
    root = ET.parse(annotation_path(tmp_path, "a")).getroot()
    assert root.findtext("filename") == "a.jpg"
    assert root.findtext("folder") == tmp_path.name
    assert [root.findtext(f"size/{key}") for key in ("width", "height", "depth")] == [
        "40",
        "30",
        "3",
    ]
    assert [element.text for element in root.find("object/bndbox")] == ["1", "4", "40", "30"]
    assert root.findtext("object/truncated") == "1"
    assert root.findtext("object/difficult") == "0"


def test_class_files_state_presence_absence_and_difficulty(tmp_path):
    box = (1, 1, 9, 9)
    easy, hard = VOCObject("dog", box, **EASY), VOCObject("dog", box, **HARD)
    other = VOCObject("bird & co", box, **EASY)
    images = [_image("i", easy, hard), _image("j", hard, other), _image("k")]
    make_folders(tmp_path)
    write_image_set(tmp_path, "val", CLASSES, images)
    assert image_set_path(tmp_path, "val").read_text() == "i\nj\nk\n"
    assert image_set_path(tmp_path, "dog_val").read_text() == "i  1\nj  0\nk -1\n"
    assert image_set_path(tmp_path, "bird & co_val").read_text() == "i -1\nj  1\nk -1\n"


@st.composite
def _objects(draw) -> VOCObject:
    x1, y1 = draw(st.integers(0, 39)), draw(st.integers(0, 29))
    box = (x1, y1, draw(st.integers(x1, 39)), draw(st.integers(y1, 29)))
    return VOCObject(draw(st.sampled_from(CLASSES)), box, draw(st.booleans()), draw(st.booleans()))


@settings(max_examples=40, deadline=None)
@given(st.lists(_objects(), max_size=5))
def test_the_reader_gets_back_what_was_written(tmp_path_factory, objects):
    root = tmp_path_factory.mktemp("tree")
    make_folders(root)
    image = _image("x", *objects)
    write_annotation(root, image)
    write_image_set(root, "all", CLASSES, [image])
    dataset = VOCDataset(root, "all", CLASSES)
    annotation = dataset.annotation(0)
    assert dataset.size(0) == (30, 40)
    assert annotation.boxes.tolist() == [list(thing.box) for thing in objects]
    assert [CLASSES[label - 1] for label in annotation.labels] == [t.name for t in objects]
    assert annotation.difficult.tolist() == [thing.difficult for thing in objects]
    assert annotation.truncated.tolist() == [thing.truncated for thing in objects]


def _annotation(*boxes: tuple[int, int, int, int], difficult: bool = False) -> Annotation:
    n = len(boxes)
    return Annotation(
        boxes=np.array(boxes, dtype=np.float32).reshape(-1, 4),
        labels=np.ones(n, dtype=np.int64),
        difficult=np.full(n, difficult),
        truncated=np.zeros(n, dtype=bool),
    )


def test_drawn_boxes_lie_on_their_corners_and_leave_the_image_alone():
    image = np.zeros((60, 80, 3), dtype=np.uint8)
    picture = annotated(image, _annotation((10, 20, 50, 45)), CLASSES)
    assert not image.any()
    drawn = picture.any(axis=2)
    assert drawn[45, 10:51].all()
    assert drawn[20:46, 50].all()
    assert not drawn[46:].any()
    assert not drawn[25:44, 12:49].any()


def test_difficult_objects_are_grey():
    image = np.zeros((60, 80, 3), dtype=np.uint8)
    corner = annotated(image, _annotation((10, 20, 50, 45), difficult=True), CLASSES)[45, 50]
    assert corner[0] == corner[1] == corner[2] > 0


class _Pictures:
    classes = CLASSES

    def image(self, i: int) -> np.ndarray:
        return np.full((20 + 4 * i, 30, 3), 10 * (i + 1), dtype=np.uint8)

    def annotation(self, i: int) -> Annotation:
        return _annotation()


def test_the_sheet_is_a_grid_of_the_largest_cells():
    sheet = contact_sheet(_Pictures(), [0, 1, 2], columns=2)
    assert sheet.shape == (2 * (28 + GAP) + GAP, 2 * (30 + GAP) + GAP, 3)
    assert (sheet[GAP : GAP + 20, GAP : GAP + 30] == 10).all()
    assert (sheet[GAP : GAP + 24, 30 + 2 * GAP : 60 + 2 * GAP] == 20).all()
    assert (sheet[28 + 2 * GAP :, GAP : GAP + 30][:28] == 30).all()
    assert (sheet[:, :GAP] == 255).all()
