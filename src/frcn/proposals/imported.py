"""Boxes that others computed, from their MATLAB v5 files.

Two forms are about, alike in all but what their numbers mean (FACTS §4.3, §5.1), so each has its
own function and refuses the other's file:

* the *data-set form*: ``boxes`` is a cell array with a matrix for each image of a split, columns
  ``y1 x1 y2 x2``, counted from 1; some files also have the images' names as ``images``.
* the *demo form*: ``boxes`` is the matrix of one image, columns ``x1 y1 x2 y2``, counted from 0.

Letters: N images, R boxes.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from frcn.boxes import without_duplicates
from frcn.data.voc import VOCDataset
from frcn.errors import UserError

MOST_NAMED = 5
DATA_SET_FORM = "wanted a cell array `boxes` with one matrix of y1 x1 y2 x2 for each image"
DEMO_FORM = "wanted a matrix `boxes` of one image, whole numbers x1 y1 x2 y2 counted from 0"
FORM_REMEDY = "A file of one image is read by `demo_boxes`, one of a split by `imported_boxes`."
SPLIT_REMEDY = "Give the file that was computed on this very image set, in its order."
BOXES_REMEDY = (
    "Corners are y1 x1 y2 x2, whole pixels counted from 1 in the pictures of this tree: give a "
    "file of that form, computed on these pictures."
)


def imported_boxes(path: Path, dataset: VOCDataset, max_boxes: int) -> list[np.ndarray]:
    """The boxes of every image of a split, from a file in the data-set form.

    Args:
        path: the MATLAB file.
        dataset: the split that it was computed on.
        max_boxes: how many of an image's first boxes are kept.

    Returns N times (R, 4) int16 ``x1 y1 x2 y2``, 0-based inclusive, no two alike, in the file's
    order.

    Raises:
        UserError: the file is missing, unreadable or of another form; it is of other images; or
            boxes are not whole numbers, lie outside their picture or end before they begin. All
            images with bad boxes are counted, and the first few named.
    """
    variables = _load(path)
    cells = variables["boxes"]
    if cells.dtype != object:
        raise UserError(f"{path}: found {_described(cells)}, {DATA_SET_FORM}. {FORM_REMEDY}")
    matrices = list(cells.ravel(order="F"))
    _assert_same_images(path, matrices, variables.get("images"), dataset)
    _assert_boxes(path, matrices, dataset)
    return [without_duplicates(_zero_based(matrix))[:max_boxes] for matrix in matrices]


def demo_boxes(path: Path) -> np.ndarray:
    """The boxes of one picture, from a file in the demo form.

    Returns (R, 4) int16 ``x1 y1 x2 y2``, 0-based inclusive, in the file's order. The files that
    come with the original's demo are sorted by corner, not by rank: their first K boxes are those
    at the top of the picture, so take all or none.

    Raises:
        UserError: the file is missing, unreadable or of another form.
    """
    boxes = _load(path)["boxes"]
    largest = np.iinfo(np.int16).max
    if (
        not _has_four_columns(boxes)
        or not _are_whole(boxes)
        or ((boxes < 0) | (boxes > largest)).any()
    ):
        raise UserError(f"{path}: found {_described(boxes)}, {DEMO_FORM}. {FORM_REMEDY}")
    inverted = (boxes[:, :2] > boxes[:, 2:]).any(axis=1)
    if inverted.any():
        row = int(inverted.argmax())
        raise UserError(
            f"{path}: row {row + 1} is {boxes[row].tolist()}, which ends before it begins; "
            f"{DEMO_FORM}. {FORM_REMEDY}"
        )
    return boxes.astype(np.int16)


def _load(path: Path) -> dict[str, np.ndarray]:
    path = Path(path).expanduser()
    if not path.is_file():
        raise UserError(f"{path}: not found; wanted a MATLAB v5 file with boxes. Give its path.")
    try:
        variables = loadmat(path, variable_names=("boxes", "images"))
    # A damaged file makes scipy raise whatever its bytes happen to lead to.
    except Exception as error:
        raise UserError(
            f"{path}: can't be read as MATLAB v5 ({error}). Fetch it again, or save it in "
            "MATLAB with -v7 (not -v7.3)."
        ) from error
    if "boxes" not in variables:
        raise UserError(f"{path}: has no variable `boxes`. {FORM_REMEDY}")
    return variables


def _assert_same_images(
    path: Path, matrices: Sequence[np.ndarray], names: np.ndarray | None, dataset: VOCDataset
) -> None:
    if len(matrices) != len(dataset):
        raise UserError(
            f"{path}: has boxes of {len(matrices)} images, wanted the {len(dataset)} of split "
            f"{dataset.split!r}. {SPLIT_REMEDY}"
        )
    if names is None:
        return
    found = ["".join(np.ravel(name).tolist()) for name in names.ravel(order="F")]
    if len(found) != len(dataset):
        raise UserError(
            f"{path}: `images` has {len(found)} names for {len(dataset)} images. {SPLIT_REMEDY}"
        )
    differ = [
        f"image {i + 1} is {name!r}, wanted {wanted!r}"
        for i, (name, wanted) in enumerate(zip(found, dataset.ids, strict=True))
        if name != wanted
    ]
    if differ:
        raise UserError(
            f"{path}: {len(differ)} of `images` are not those of split {dataset.split!r}: "
            f"{_first_few(differ)}. {SPLIT_REMEDY}"
        )


def _assert_boxes(path: Path, matrices: Sequence[np.ndarray], dataset: VOCDataset) -> None:
    """Every image is looked at before anything is raised."""
    problems: dict[str, list[str]] = {}
    for i, matrix in enumerate(matrices):
        problem = _problem(matrix, *dataset.size(i))
        if problem is not None:
            kind, found = problem
            problems.setdefault(kind, []).append(f"{dataset.ids[i]} ({found})")
    if problems:
        told = "; ".join(
            f"in {len(images)} of {len(dataset)} images {kind}: {_first_few(images)}"
            for kind, images in problems.items()
        )
        raise UserError(f"{path}: {told}. {BOXES_REMEDY}")


def _problem(matrix: np.ndarray, height: int, width: int) -> tuple[str, str] | None:
    """What is wrong with an image's ``y1 x1 y2 x2``, and an example; None if nothing is."""
    if not matrix.size:
        return None
    if not _has_four_columns(matrix):
        return "boxes are no matrix of four columns", _described(matrix)
    if not _are_whole(matrix):
        return "corners are not whole numbers", _described(matrix)
    first, last = matrix[:, :2], matrix[:, 2:]
    for kind, bad in (
        ("boxes lie outside the picture", (matrix < 1) | (matrix > [height, width] * 2)),
        ("boxes end before they begin", first > last),
    ):
        if bad.any():
            row = int(bad.any(axis=1).argmax())
            return kind, f"row {row + 1}: {matrix[row].tolist()}, picture {height} × {width}"
    return None


def _has_four_columns(matrix: np.ndarray) -> bool:
    return matrix.ndim == 2 and matrix.shape[1] == 4


def _are_whole(matrix: np.ndarray) -> bool:
    """Whether all are finite and without a fraction, whatever type MATLAB saved them as."""
    if matrix.dtype.kind not in "iuf":
        return False
    return bool((np.isfinite(matrix) & (matrix == np.floor(matrix))).all())


def _zero_based(matrix: np.ndarray) -> np.ndarray:
    """(R, 4) int16 ``x1 y1 x2 y2`` of checked ``y1 x1 y2 x2``, counted from 1.

    Signed before the subtraction: the files' own uint16 would wrap around below 0.
    """
    return matrix.reshape(-1, 4)[:, [1, 0, 3, 2]].astype(np.int16) - np.int16(1)


def _described(array: np.ndarray) -> str:
    kind = "a cell array" if array.dtype == object else f"{array.dtype} values"
    return f"{kind} of shape {' × '.join(map(str, array.shape))}"


def _first_few(things: Sequence[str]) -> str:
    more = len(things) - MOST_NAMED
    return ", ".join([*things[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])
