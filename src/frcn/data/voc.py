"""The reader of VOC devkit trees, which serves every profile.

    root/JPEGImages/<id>.jpg  root/Annotations/<id>.xml  root/ImageSets/Main/<set>.txt

Letters: G ground-truth boxes of an image, H × W pixels, K classes without the background.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from frcn import config
from frcn.artefacts import sha256_file
from frcn.data.voc_xml import ObjectXML, read_object, read_size, read_tree
from frcn.errors import UserError

# The original's OpenCV knew no EXIF; rotating pixels here would part them from their boxes.
READ_FLAGS = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION


@dataclass(frozen=True)
class Annotation:
    """The objects of one image.

    ``boxes`` (G, 4) float32 ``x1 y1 x2 y2``, 0-based inclusive; ``labels`` (G,) int64 in 1…K
    (0 is the background); ``difficult`` and ``truncated`` (G,) bool.
    """

    boxes: np.ndarray
    labels: np.ndarray
    difficult: np.ndarray
    truncated: np.ndarray


class VOCDataset:
    """One image set of a VOC devkit tree.

    ``ids`` are in the order of the image-set file. ``split`` is the name that the config gives
    the set (by default the set's own name); proposal stores are tied to it. Annotations are
    parsed once and kept; pictures are read anew at each call.
    """

    def __init__(
        self, root: Path, image_set: str, classes: Sequence[str], split: str | None = None
    ) -> None:
        self.root = Path(root)
        self.image_set = image_set
        self.split = split or image_set
        self.classes = tuple(classes)
        self.ids = read_image_set(self.root, image_set)
        self._labels = {name: label for label, name in enumerate(self.classes, start=1)}
        self._parsed: dict[int, tuple[tuple[int, int], Annotation]] = {}
        self._hashes: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def image_path(self, i: int) -> Path:
        """The picture's file."""
        return image_path(self.root, self.ids[i])

    def image(self, i: int) -> np.ndarray:
        """The picture as (H, W, 3) uint8 in BGR order; see ``read_image``."""
        return read_image(self.image_path(i))

    def size(self, i: int) -> tuple[int, int]:
        """(H, W) from the annotation, without opening the picture."""
        return self._parse(i)[0]

    def annotation(self, i: int) -> Annotation:
        """The objects of image ``i``, difficult ones included.

        Raises:
            UserError: the file is missing, does not parse, or has a class that is not listed.
        """
        return self._parse(i)[1]

    def image_hash(self, i: int) -> str:
        """Hexadecimal SHA-256 of the image file's bytes."""
        if i not in self._hashes:
            self._hashes[i] = sha256_file(self.image_path(i))
        return self._hashes[i]

    def _parse(self, i: int) -> tuple[tuple[int, int], Annotation]:
        if i not in self._parsed:
            path = annotation_path(self.root, self.ids[i])
            try:
                root = read_tree(path)
                objects = [read_object(element) for element in root.findall("object")]
                self._parsed[i] = read_size(root), self._annotation(objects)
            except UserError as error:
                raise UserError(
                    f"{path}: {error}. Mend the annotation, or fetch the data again."
                ) from None
        return self._parsed[i]

    def _annotation(self, objects: list[ObjectXML]) -> Annotation:
        for thing in objects:
            if thing.name not in self._labels:
                raise UserError(f"class {thing.name!r} is not among {list(self.classes)}")
        corners = np.array([thing.corners for thing in objects], dtype=np.float32).reshape(-1, 4)
        return Annotation(
            boxes=corners - 1,
            labels=np.array([self._labels[thing.name] for thing in objects], dtype=np.int64),
            difficult=np.array([thing.difficult for thing in objects], dtype=bool),
            truncated=np.array([thing.truncated for thing in objects], dtype=bool),
        )


def read_image(path: Path) -> np.ndarray:
    """A picture as (H, W, 3) uint8 in BGR order, as stored: EXIF rotation is ignored.

    Raises:
        UserError: the file is missing or can't be decoded.
    """
    pixels = cv2.imread(str(path), READ_FLAGS)
    if pixels is None:
        raise UserError(
            f"{path}: missing or no readable picture. Mend the file, or fetch the data again: the "
            "fetch stage checks every file."
        )
    return pixels


def open_split(data: config.Data, split: str, repo: Path = Path()) -> VOCDataset:
    """The split of that name, with ``data.root`` taken relative to ``repo``.

    Raises:
        UserError: the config has no such split, or the tree lacks its image set.
    """
    if split not in data.splits:
        raise UserError(f"no split {split!r}; data.splits has {sorted(data.splits)}")
    return VOCDataset(Path(repo) / data.root, data.splits[split], data.classes, split)


def image_path(root: Path, image_id: str) -> Path:
    """Where a VOC tree keeps the picture of an id."""
    return root / "JPEGImages" / f"{image_id}.jpg"


def annotation_path(root: Path, image_id: str) -> Path:
    """Where a VOC tree keeps the annotation of an id."""
    return root / "Annotations" / f"{image_id}.xml"


def image_set_path(root: Path, image_set: str) -> Path:
    """Where a VOC tree keeps the list of ids of an image set."""
    return root / "ImageSets" / "Main" / f"{image_set}.txt"


def read_image_set(root: Path, image_set: str) -> list[str]:
    """The ids of an image set: one a line, blank lines ignored.

    Raises:
        UserError: the tree has no such image set.
    """
    path = image_set_path(root, image_set)
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        raise UserError(
            f"{path}: not found. A VOC tree lists the ids of image set {image_set!r} there, one a "
            "line; for a profile's data `dvc repro` makes it."
        ) from None
    return [line.strip() for line in lines if line.strip()]
