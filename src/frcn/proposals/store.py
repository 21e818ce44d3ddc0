"""The proposal store: the ranked boxes of all images of one split in one memory-mapped file.

``<split>.npy`` holds the boxes of all images, one after another, as (sum of R, 4) int16
``x1 y1 x2 y2``, 0-based inclusive, best first within an image. ``<split>.json`` beside it says
whose they are: split, ids, image hashes, offsets, recipe (the list's config), the hash of the
``.npy``, and last the hash of all this.
A 10 000-image store opens in well under a second (FACTS §12, storage).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from frcn import config
from frcn.artefacts import atomic_path, read_json, sha256_file, sha256_json, write_json
from frcn.data.voc import VOCDataset
from frcn.errors import UserError

REMEDY = "Compute the proposals anew: `dvc repro` does it when they are out of date."


class ProposalStore:
    """Read access to a store that was proved to belong to a data set's split."""

    def __init__(self, boxes: np.ndarray, header: dict) -> None:
        self.header = header
        self._boxes = boxes
        self._offsets = np.asarray(header["offsets"])

    @classmethod
    def open(
        cls, path_npy: Path, dataset: VOCDataset, proposals: config.Proposals
    ) -> "ProposalStore":
        """Memory-map the store at ``path_npy``, which ``proposals`` made of ``dataset``.

        Raises:
            UserError: a file is missing or damaged, or the store is of another split, of another
                recipe, of other ids, or of pictures that have changed since.
        """
        path_npy = Path(path_npy)
        header = _read_header(_header_path(path_npy))
        if not path_npy.exists():
            raise UserError(f"{path_npy}: not found. {REMEDY}")
        _assert_belongs(path_npy, header, dataset)
        _assert_recipe(path_npy, header["recipe"], proposals.model_dump(mode="json"))
        if sha256_file(path_npy) != header["sha256"]:
            raise UserError(f"{path_npy}: is not the file that its header describes. {REMEDY}")
        return cls(np.load(path_npy, mmap_mode="r", allow_pickle=False), header)

    @property
    def digest(self) -> str:
        """SHA-256 of the boxes of all images."""
        return self.header["sha256"]

    @property
    def n_images(self) -> int:
        """How many images have an entry (which may be empty)."""
        return len(self._offsets) - 1

    def boxes(self, i: int, count: int | None = None) -> np.ndarray:
        """The first ``count`` (default: all) boxes of image ``i``: (R, 4) float32, best first."""
        start, stop = self._offsets[i], self._offsets[i + 1]
        if count is not None:
            stop = min(stop, start + count)
        return self._boxes[start:stop].astype(np.float32)


def write_store(
    path_npy: Path,
    dataset: VOCDataset,
    boxes: Sequence[np.ndarray],
    proposals: config.Proposals,
) -> None:
    """Write the (R, 4) ranked boxes of every image of ``dataset``, in its order.

    The header goes last; a store that was cut short between the two is refused by its hash.
    """
    if len(boxes) != len(dataset):
        raise ValueError(f"boxes of {len(boxes)} images for a data set of {len(dataset)}")
    path_npy = Path(path_npy)
    stacked = np.concatenate([np.zeros((0, 4), dtype=np.int16), *boxes])
    if stacked.dtype != np.int16:
        raise ValueError(f"boxes must be int16, found {stacked.dtype}")
    with atomic_path(path_npy) as temporary:
        np.save(temporary, stacked)
    header = {
        "split": dataset.split,
        "recipe": proposals.model_dump(mode="json"),
        "sha256": sha256_file(path_npy),
        "ids": dataset.ids,
        "image_hashes": [dataset.image_hash(i) for i in range(len(dataset))],
        "offsets": np.cumsum([0, *map(len, boxes)]).tolist(),
    }
    write_json(_header_path(path_npy), header | {"header_sha256": sha256_json(header)})


def _header_path(path_npy: Path) -> Path:
    return path_npy.with_suffix(".json")


def _read_header(path: Path) -> dict:
    """The header without its own hash; a wrong offset alone would give boxes to other images."""
    header = read_json(path)
    if not isinstance(header, dict) or header.pop("header_sha256", None) != sha256_json(header):
        raise UserError(f"{path}: damaged, its hash is not that of its content. {REMEDY}")
    return header


def _assert_recipe(path_npy: Path, found: dict, wanted: dict) -> None:
    """Both sides of what differs, so that the reader sees which of them is wrong."""
    keys = [key for key in {**found, **wanted} if found.get(key) != wanted.get(key)]
    if keys:
        sides = (
            ", ".join(f"{key}: {side.get(key, 'nothing')}" for key in keys)
            for side in (found, wanted)
        )
        raise UserError("{}: was made with {}; wanted {}. {}".format(path_npy, *sides, REMEDY))


def _assert_belongs(path_npy: Path, header: dict, dataset: VOCDataset) -> None:
    if header["split"] != dataset.split:
        raise UserError(
            f"{path_npy}: has the proposals of split {header['split']!r}, wanted those of "
            f"{dataset.split!r}. Give the store of the split that is read."
        )
    if header["ids"] != dataset.ids:
        raise UserError(
            f"{path_npy}: has {len(header['ids'])} images, and they are not the "
            f"{len(dataset)} of split {dataset.split!r} in this order. {REMEDY}"
        )
    for i, found in enumerate(header["image_hashes"]):
        if found != dataset.image_hash(i):
            raise UserError(
                f"{path_npy}: was computed on another version of {dataset.image_path(i)}. {REMEDY}"
            )
