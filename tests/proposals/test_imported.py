"""Imported boxes: both MATLAB forms by hand-worked files, and every bad file refused."""

import numpy as np
import pytest
from scipy.io import savemat

from frcn.data.testing import TINY_CLASSES, TINY_SIZE, write_tiny_tree
from frcn.data.voc import VOCDataset
from frcn.errors import UserError
from frcn.proposals.imported import demo_boxes, imported_boxes

HEIGHT, WIDTH = TINY_SIZE
WHOLE = [1, 1, HEIGHT, WIDTH]


@pytest.fixture
def dataset(tmp_path):
    write_tiny_tree(tmp_path / "tree", {"train": 3})
    return VOCDataset(tmp_path / "tree", "train", TINY_CLASSES)


def cell(entries):
    """A MATLAB cell array of one row."""
    array = np.empty((1, len(entries)), dtype=object)
    array[0, :] = [*entries]
    return array


def save(tmp_path, matrices, dtype=np.uint16, **others):
    boxes = cell([np.array(matrix, dtype=dtype) for matrix in matrices])
    savemat(tmp_path / "boxes.mat", {"boxes": boxes, **others})
    return tmp_path / "boxes.mat"


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_corners_are_swapped_and_counted_from_0(tmp_path, dataset, dtype):
    matrices = [[[1, 1, 1, 1], [2, 3, 10, 20]], [WHOLE], [[5, 6, 7, 8]] * 2]
    found = imported_boxes(save(tmp_path, matrices, dtype), dataset, 100)
    assert [boxes.tolist() for boxes in found] == [
        [[0, 0, 0, 0], [2, 1, 19, 9]],
        [[0, 0, WIDTH - 1, HEIGHT - 1]],
        [[5, 4, 7, 6]],
    ]
    assert {boxes.dtype for boxes in found} == {np.dtype(np.int16)}


def test_the_order_stays_and_the_first_of_equals_counts(tmp_path, dataset):
    rows = [[9, 1, 9, 1], [3, 1, 3, 1], [9, 1, 9, 1], [5, 1, 5, 1], [1, 1, 1, 1]]
    path = save(tmp_path, [rows, [WHOLE], [WHOLE]])
    assert imported_boxes(path, dataset, 100)[0][:, 1].tolist() == [8, 2, 4, 0]
    # Those that are kept are counted after equals are gone.
    assert imported_boxes(path, dataset, 3)[0][:, 1].tolist() == [8, 2, 4]


@pytest.mark.parametrize("shape", [(0, 0), (0, 4)])
def test_an_image_may_have_no_box(tmp_path, dataset, shape):
    found = imported_boxes(save(tmp_path, [[WHOLE], np.zeros(shape), [WHOLE]]), dataset, 9)
    assert [boxes.shape for boxes in found] == [(1, 4), (0, 4), (1, 4)]


def test_a_column_of_cells_is_as_good_as_a_row(tmp_path, dataset):
    boxes = cell([np.array([[y, 1, y, 1]], dtype=np.uint16) for y in (4, 5, 6)]).T
    savemat(tmp_path / "boxes.mat", {"boxes": boxes, "images": cell(dataset.ids).T})
    found = imported_boxes(tmp_path / "boxes.mat", dataset, 9)
    assert [boxes[0, 1] for boxes in found] == [3, 4, 5]


def test_names_are_compared_where_there_are_any(tmp_path, dataset):
    matrices = [[WHOLE]] * 3
    assert len(imported_boxes(save(tmp_path, matrices, images=cell(dataset.ids)), dataset, 9)) == 3
    swapped = cell([dataset.ids[i] for i in (0, 2, 1)])
    with pytest.raises(UserError, match=r"2 of `images` .* image 2 is 'train_2', wanted 'train_1'"):
        imported_boxes(save(tmp_path, matrices, images=swapped), dataset, 9)
    with pytest.raises(UserError, match="2 names for 3 images"):
        imported_boxes(save(tmp_path, matrices, images=cell(dataset.ids[:2])), dataset, 9)


def test_another_number_of_images_is_refused(tmp_path, dataset):
    with pytest.raises(UserError, match="boxes of 2 images, wanted the 3 of split 'train'"):
        imported_boxes(save(tmp_path, [[WHOLE]] * 2), dataset, 9)


@pytest.mark.parametrize(
    "matrix, told",
    [
        ([[1, 1, 2]], r"four columns: train_1 \(.*1 × 3"),
        ([WHOLE, [1, 1, HEIGHT + 1, WIDTH]], r"outside the picture: train_1 \(row 2: .*49"),
        ([[1, 1, HEIGHT, WIDTH + 1]], "outside the picture"),
        # Counted from 0.
        ([[1, 0, 5, 5]], r"outside the picture: train_1 \(row 1: \[1\.0, 0\.0"),
        # In the order x1 y1 x2 y2.
        ([[1, 1, WIDTH, HEIGHT]], "outside the picture"),
        ([[5, 1, 4, 9]], "end before they begin"),
        ([[1, 5, 9, 4]], "end before they begin"),
        ([[1, 1, 2.5, 2]], "not whole numbers"),
        ([[1, 1, np.nan, 2]], "not whole numbers"),
        ([[1, 1, np.inf, 2]], "not whole numbers"),
    ],
)
def test_bad_boxes_are_refused(tmp_path, dataset, matrix, told):
    path = save(tmp_path, [[WHOLE], matrix, [WHOLE]], np.float64)
    with pytest.raises(UserError, match=f"in 1 of 3 images .*{told}.*counted from 1"):
        imported_boxes(path, dataset, 9)


def test_corners_of_uint16_do_not_wrap_around(tmp_path, dataset):
    with pytest.raises(UserError, match="outside the picture"):
        imported_boxes(save(tmp_path, [[[0, 0, 5, 5]], [WHOLE], [WHOLE]]), dataset, 9)


def test_all_bad_images_are_told_at_once(tmp_path):
    write_tiny_tree(tmp_path / "tree", {"train": 9})
    dataset = VOCDataset(tmp_path / "tree", "train", TINY_CLASSES)
    outside, inverted = [[1, 1, 99, 99]], [[5, 5, 4, 4]]
    with pytest.raises(UserError) as error:
        imported_boxes(save(tmp_path, [outside] * 7 + [inverted] * 2), dataset, 9)
    message = str(error.value)
    assert "in 7 of 9 images boxes lie outside" in message
    assert "in 2 of 9 images boxes end before" in message
    assert "train_4 (" in message and "and 2 more" in message and "train_5 (" not in message
    assert "train_7 (" in message and "train_8 (" in message


DAMAGED = {
    "missing": (None, "not found"),
    "text": (b"no boxes here\n" * 99, "can't be read as MATLAB v5"),
    "empty": (b"", "can't be read as MATLAB v5"),
}


@pytest.mark.parametrize("damage", [*DAMAGED, "cut"])
def test_files_that_cannot_be_read_are_refused(tmp_path, dataset, damage):
    path = save(tmp_path, [[WHOLE]] * 3)
    content, told = DAMAGED.get(damage, (path.read_bytes()[:-40], "can't be read as MATLAB v5"))
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    for read in (lambda: imported_boxes(path, dataset, 9), lambda: demo_boxes(path)):
        with pytest.raises(UserError, match=rf"boxes\.mat: {told}"):
            read()


def test_a_file_of_other_variables_is_refused(tmp_path, dataset):
    savemat(tmp_path / "boxes.mat", {"proposals": cell([np.array([WHOLE])] * 3)})
    for read in (lambda p: imported_boxes(p, dataset, 9), demo_boxes):
        with pytest.raises(UserError, match="no variable `boxes`"):
            read(tmp_path / "boxes.mat")


def test_the_demo_form_is_taken_as_it_is(tmp_path):
    rows = [[0, 0, 499, 405], [3, 7, 20, 9], [0, 0, 0, 0]]
    savemat(tmp_path / "boxes.mat", {"boxes": np.array(rows, dtype=np.uint16)})
    found = demo_boxes(tmp_path / "boxes.mat")
    assert found.tolist() == rows and found.dtype == np.int16


@pytest.mark.parametrize(
    "rows, told",
    [
        ([[0, 0, 5]], "1 × 3"),
        ([[0, 0, 5, 5], [0, 6, 5, 5]], r"row 2 is \[.*ends before it begins"),
        ([[-1, 0, 5, 5]], "counted from 0"),
        ([[0, 0, 70000, 5]], "float64 values of shape 1 × 4"),
        ([[0, 0, 5.5, 5]], "whole numbers"),
    ],
)
def test_a_bad_demo_file_is_refused(tmp_path, rows, told):
    savemat(tmp_path / "boxes.mat", {"boxes": np.array(rows, dtype=np.float64)})
    with pytest.raises(UserError, match=told):
        demo_boxes(tmp_path / "boxes.mat")


def test_neither_function_takes_the_other_form(tmp_path, dataset):
    with pytest.raises(UserError, match="found a cell array of shape 1 × 3, wanted a matrix"):
        demo_boxes(save(tmp_path, [[WHOLE]] * 3))
    savemat(tmp_path / "boxes.mat", {"boxes": np.array([WHOLE] * 3, dtype=np.uint16)})
    with pytest.raises(UserError, match="found uint16 values of shape 3 × 4, wanted a cell array"):
        imported_boxes(tmp_path / "boxes.mat", dataset, 9)
