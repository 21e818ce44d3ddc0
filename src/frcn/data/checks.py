"""Checks of a VOC devkit tree: every problem is found in one go and told with its remedy."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, combinations
from pathlib import Path
from xml.etree.ElementTree import Element

import cv2
import numpy as np

from frcn import config
from frcn.data.jpeg import colour_kind
from frcn.data.voc import READ_FLAGS, annotation_path, image_path, image_set_path, read_image_set
from frcn.data.voc_xml import read_object, read_size, read_tree
from frcn.errors import UserError
from frcn.progress import progress

ADD = "Add it, or drop the id from its image set."
MEND = "Mend the annotation."
REPLACE = "Replace the file by an undamaged copy."
# Proposals are int16.
LONGEST_SIDE = np.iinfo(np.int16).max


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a tree.

    ``file`` is relative to the tree's root; ``object`` says what in it is meant. Exactly what
    ``on_invalid: skip`` drops is given by ``image_id`` and ``index`` (of the ``<object>`` in its
    file): an object when both are set, an image when only the first is, and nothing can be
    dropped when neither is, so that the problem stops even then.
    """

    file: str
    object: str
    problem: str
    remedy: str
    image_id: str | None = None
    index: int | None = None

    def __str__(self) -> str:
        return f"{self.file}: {self.object}: {self.problem}. {self.remedy}"


def check_tree(data: config.Data, root: Path, workers: int = 1) -> list[Problem]:
    """Check all splits that ``data`` uses of the VOC tree at ``root``; decodes every picture."""
    root = Path(root)
    problems, splits = _check_splits(data, root)
    ids = list(dict.fromkeys(chain.from_iterable(splits.values())))
    check = partial(_check_image, root, frozenset(data.classes))
    # Threads suffice: decoding, the bulk of the work, releases the interpreter lock.
    with ThreadPoolExecutor(workers) as pool, progress(len(ids), "check data", "image") as bar:
        for found in pool.map(check, ids):
            problems += found
            bar.update()
    return problems


def report(problems: list[Problem], where: str) -> str:
    """All problems in one message for the user, the way out last."""
    lines = [f"{where}: {len(problems)} problem(s) in the data", *(f"  {p}" for p in problems)]
    if all(problem.image_id for problem in problems):
        lines.append(
            "Mend them, or set data.on_invalid to skip, which drops exactly these objects and "
            "images and counts them in the tables' footnote."
        )
    return "\n".join(lines)


def _check_splits(data: config.Data, root: Path) -> tuple[list[Problem], dict[str, list[str]]]:
    problems = []
    splits = {}
    for split, image_set in data.splits.items():
        wrong = partial(Problem, str(image_set_path(Path(), image_set)), f"split {split!r}")
        try:
            ids = read_image_set(root, image_set)
        except UserError:
            problems.append(wrong("image set not found", "Add it: one image id a line."))
            continue
        if not ids:
            problems.append(wrong("is empty", "List at least one image id."))
        for image_id, count in Counter(ids).items():
            if count > 1:
                problems.append(
                    wrong(f"lists {image_id!r} {count} times", "Remove the repeated lines.")
                )
        paths = {image_id for image_id in ids if Path(image_id).name != image_id}
        for image_id in sorted(paths):
            problems.append(
                wrong(f"id {image_id!r} is a path, wanted a plain name", "Mend the line.")
            )
        splits[split] = [image_id for image_id in ids if image_id not in paths]
    return problems + list(_check_overlaps(data, splits)), splits


def _check_overlaps(data: config.Data, splits: dict[str, list[str]]) -> Iterator[Problem]:
    for (one, ids), (other, other_ids) in combinations(splits.items(), 2):
        common = sorted(set(ids) & set(other_ids))
        if common:
            yield Problem(
                str(image_set_path(Path(), data.splits[other])),
                f"split {other!r}",
                f"shares {len(common)} image(s) with split {one!r}, {common[0]!r} first",
                "Splits must not overlap: move each image to one of them, or use other sets.",
            )


def _check_image(root: Path, classes: frozenset[str], image_id: str) -> list[Problem]:
    return _ImageCheck(root, classes, image_id).run()


class _ImageCheck:
    """The checks of one picture and its annotation, which gather what they find."""

    def __init__(self, root: Path, classes: frozenset[str], image_id: str) -> None:
        self.root = root
        self.classes = classes
        self.image_id = image_id
        self.size: tuple[int, int] | None = None  # (H, W) of the picture, once it was decoded
        self.problems: list[Problem] = []

    def run(self) -> list[Problem]:
        self._check_picture()
        self._check_annotation()
        return self.problems

    def _picture(self, problem: str, remedy: str) -> None:
        file = str(image_path(Path(), self.image_id))
        self.problems.append(Problem(file, "picture", problem, remedy, self.image_id))

    def _annotation(
        self, problem: str, remedy: str, what: str = "annotation", index: int | None = None
    ) -> None:
        file = str(annotation_path(Path(), self.image_id))
        self.problems.append(Problem(file, what, problem, remedy, self.image_id, index))

    def _check_picture(self) -> None:
        try:
            data = image_path(self.root, self.image_id).read_bytes()
            kind = colour_kind(data)
        except FileNotFoundError:
            self._picture("not found", ADD)
            return
        except UserError as error:
            self._picture(str(error), REPLACE)
            return
        try:
            pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), READ_FLAGS)
        except cv2.error as error:
            self._picture(f"can't be decoded: {error.err}", REPLACE)
            return
        if pixels is None:
            self._picture("can't be decoded", REPLACE)
            return
        self.size = pixels.shape[:2]
        if max(self.size) > LONGEST_SIDE:
            self._picture(
                f"is {self.size[1]}x{self.size[0]}, wanted sides of at most {LONGEST_SIDE}",
                "Make it smaller, and its boxes with it.",
            )
        if kind != "colour":
            self._picture(f"{kind} JPEG, wanted three colour components", "Convert it to RGB.")

    def _check_annotation(self) -> None:
        try:
            tree = read_tree(annotation_path(self.root, self.image_id))
        except UserError as error:
            self._annotation(str(error), ADD if str(error) == "not found" else MEND)
            return
        self._check_size(tree)
        objects = tree.findall("object")
        if not objects:
            self._annotation("has no object", "Annotate one, or drop the id from its image set.")
        for index, element in enumerate(objects):
            self._check_object(element, index)

    def _check_size(self, tree: Element) -> None:
        try:
            height, width = read_size(tree)
        except UserError as error:
            self._annotation(str(error), MEND)
            return
        if height <= 0 or width <= 0:
            self._annotation(f"size is {width}x{height}", "Write the picture's size in <size>.")
        elif self.size is not None and (height, width) != self.size:
            self._annotation(
                f"size is {width}x{height}, the picture's is {self.size[1]}x{self.size[0]}",
                "Write the picture's size in <size>, and see that the boxes fit it: pictures are "
                "read as stored, an EXIF rotation is ignored.",
            )

    def _check_object(self, element: Element, index: int) -> None:
        try:
            thing = read_object(element)
        except UserError as error:
            self._annotation(str(error), MEND, f"object {index + 1}", index)
            return
        what = f"object {index + 1} ({thing.name})"
        if thing.name not in self.classes:
            self._annotation(
                f"unknown class {thing.name!r}, wanted one of {sorted(self.classes)}",
                "Mend its spelling, or add it to data.classes.",
                what,
                index,
            )
        x1, y1, x2, y2 = thing.corners
        box = f"box {x1:g} {y1:g} {x2:g} {y2:g}"
        if x2 <= x1 or y2 <= y1:
            self._annotation(
                f"{box} is inverted or has no extent", "Draw it anew or remove it.", what, index
            )
        elif self.size is not None and not self._inside(thing.corners):
            self._annotation(
                f"{box} is not inside the picture, 1 1 {self.size[1]} {self.size[0]}",
                "Clip it to the picture (corners are 1-based and inclusive).",
                what,
                index,
            )

    def _inside(self, corners: tuple[float, float, float, float]) -> bool:
        height, width = self.size
        return corners[0] >= 1 and corners[1] >= 1 and corners[2] <= width and corners[3] <= height
