"""Proposals by content: one small file per picture and recipe, which survives a killed run.

A file is the SHA-256 of its boxes and the boxes: one that a disk damaged counts as missing.
"""

from collections.abc import Iterator
from concurrent.futures import as_completed
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from frcn import boxes as box_ops
from frcn import config, selective_search
from frcn.artefacts import sha256, sha256_file, sha256_json, write_bytes
from frcn.data import voc
from frcn.data.voc import VOCDataset, read_image
from frcn.errors import UserError
from frcn.progress import progress
from frcn.proposals.method import make_method
from frcn.workers import worker_pool

METHODS = ("method", "edge_boxes", "edge_maps", "interleave", "opencv_selective_search")
CODE = (
    *sorted(Path(selective_search.__file__).parent.glob("*.py")),
    *(Path(__file__).with_name(f"{name}.py") for name in METHODS),
    Path(box_ops.__file__),
    Path(voc.__file__),
)
"""Files whose code decides the boxes: methods, box arithmetic, and how pictures are read."""
HASH = len(sha256(b""))
"""Bytes of the hash in front of the boxes."""
MOST_NAMED = 20


def cache_key(proposals: config.Proposals) -> str:
    """A hash of all that the boxes of a picture depend on, but for the picture."""
    recipe = proposals.model_dump(mode="json")
    parts = proposals.parts if proposals.method == "interleaved" else [proposals]
    files = [Path(part.model) for part in parts if getattr(part, "model", None)]
    # A file that is missing has no boxes to be mixed up, and the search will say that it is.
    models = [sha256_file(file) for file in files if file.exists()]
    return sha256_json([recipe, models, cv2.__version__, _code_hash()])[:16]


@cache
def _code_hash() -> str:
    return sha256_json([sha256_file(path) for path in CODE])


def cached_boxes(
    dataset: VOCDataset, proposals: config.Proposals, cache_dir: Path, workers: int = 1
) -> list[np.ndarray]:
    """The (R, 4) int16 proposals of every image, computing those that are missing or damaged.

    Raises:
        UserError: pictures are missing or unreadable; all of them are named. The others' boxes
            are kept.
    """
    pictures = [dataset.image_path(i) for i in range(len(dataset))]
    _tell("missing", [picture for picture in pictures if not picture.exists()])
    folder = Path(cache_dir) / cache_key(proposals)
    hashes = [dataset.image_hash(i) for i in range(len(dataset))]
    paths = [folder / digest[:2] / f"{digest}.boxes" for digest in hashes]
    known = {path: _read(path) for path in paths}
    missing = {p: picture for p, picture in zip(paths, pictures, strict=True) if known[p] is None}
    damaged = [path for path in missing if path.exists()]
    if damaged:
        print(f"computing {_named(damaged)} anew: damaged in the cache", flush=True)
    with progress(
        len(paths), f"{proposals.name} {dataset.split}", "image", initial=len(paths) - len(missing)
    ) as bar:
        for _ in _computed(missing, proposals, workers):
            bar.update()
    known |= {path: _read(path) for path in missing}
    found = zip(paths, pictures, strict=True)
    _tell("unreadable", [picture for path, picture in found if known[path] is None])
    return [known[path] for path in paths]


def _read(path: Path) -> np.ndarray | None:
    """The (R, 4) int16 boxes of a file of the cache; None if it is missing or damaged."""
    if not path.exists():
        return None
    content = path.read_bytes()
    digest, data = content[:HASH], content[HASH:]
    if sha256(data).encode() != digest:
        return None
    return np.frombuffer(data, "<i2").reshape(-1, 4)


def _write(path: Path, boxes: np.ndarray) -> None:
    data = boxes.astype("<i2", casting="equiv").tobytes()
    write_bytes(path, sha256(data).encode() + data)


def _tell(what: str, pictures: list[Path]) -> None:
    if pictures:
        raise UserError(
            f"{len(pictures)} pictures are {what}: {_named(pictures)}. Mend them, or fetch the"
            " data again: the fetch stage checks every file."
        )


def _named(paths: list[Path]) -> str:
    more = len(paths) - MOST_NAMED
    return ", ".join([*map(str, paths[:MOST_NAMED]), *([f"and {more} more"] if more > 0 else [])])


def _computed(
    missing: dict[Path, Path], proposals: config.Proposals, workers: int
) -> Iterator[None]:
    """Fill the cache with what is ``missing``; yields after each picture."""
    if workers == 1:
        for path, picture in missing.items():
            yield _compute(picture, proposals, path)
    elif missing:
        with worker_pool(min(workers, len(missing))) as pool:
            jobs = [
                pool.submit(_compute, picture, proposals, path) for path, picture in missing.items()
            ]
            try:
                for job in as_completed(jobs):
                    yield job.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def _compute(picture: Path, proposals: config.Proposals, path: Path) -> None:
    try:
        image = read_image(picture)
    except UserError:
        # One bad picture stops no other; all that have no file in the end are told together.
        return
    _write(path, make_method(proposals)(image))
