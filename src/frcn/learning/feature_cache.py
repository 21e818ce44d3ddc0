"""Features on disk: one float16 array per entry, in one memory-mapped file with an index.

What R-CNN and SPP-net compute once and read many times (FACTS §2.4, §3.2). A cache is bound to
what it was computed from; an interrupted one is continued after a check of what is there.
"""

import os
import shutil
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from frcn.artefacts import read_json, refusals_told, sha256_json, write_json
from frcn.errors import UserError
from frcn.progress import progress

DATA, HEADER, INDEX = "features.f16", "header.json", "index.bin"
WRITTEN = np.dtype([("checksum", np.uint32), ("seconds", np.float32)])
"""What the index says of an entry: CRC-32 of its bytes and seconds, and how long it took."""
GB = 1e9


class FeatureCache:
    """The arrays of a finished cache; entry i is read from disk at each call.

    Only what is asked for is mapped, and only as long as it is used: the memory that a pass over
    all entries takes does not grow with their number.
    """

    def __init__(self, folder: Path, shapes: Sequence[tuple[int, ...]]) -> None:
        self._folder = folder
        self._shapes = shapes
        self._starts = _starts(shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def __getitem__(self, i: int) -> np.ndarray:
        """Entry i, float16, mapped read-only."""
        offset = int(self._starts[i])
        return np.memmap(self._folder / DATA, np.float16, "r", offset, self._shapes[i])

    @property
    def seconds(self) -> float:
        """How long all entries took, over all runs that computed some."""
        return float(_index(self._folder)["seconds"].sum(dtype=np.float64))

    @classmethod
    def open(cls, folder: Path, key: object) -> "FeatureCache":
        """A cache that was finished.

        Raises:
            UserError: there is none, it is unfinished or damaged, or its key is another: it was
                computed from other weights, other proposals or another split.
        """
        folder = Path(folder)
        header = read_json(folder / HEADER)
        _check_key(folder, header, key)
        shapes = [tuple(shape) for shape in header["shapes"]]
        written = len(_index(folder))
        if written < len(shapes) or not _data_fits(folder, shapes):
            raise UserError(
                f"{folder}: unfinished feature cache, {written} of {len(shapes)} entries."
                " Run the training again; it continues."
            )
        return cls(folder, shapes)


def build_cache(
    folder: Path,
    key: object,
    shapes: Sequence[tuple[int, ...]],
    compute: Callable[[int], np.ndarray],
    what: str,
) -> FeatureCache:
    """Compute every entry that is not yet there; an entry counts if its checksum holds.

    Args:
        folder: of the cache; made if need be.
        key: JSON-able, all that decides the features: weights, boxes, pictures, settings.
        shapes: of each entry.
        compute: gives entry i, float.
        what: shown beside the progress.

    Raises:
        UserError: the folder has a cache of another key, or the disk can't hold this one.
    """
    folder = Path(folder)
    shapes = [tuple(int(side) for side in shape) for shape in shapes]
    if (folder / HEADER).exists():
        _check_key(folder, read_json(folder / HEADER), key)
    else:
        _claim(folder, shapes)
        write_json(folder / HEADER, {"key": sha256_json(key), "shapes": shapes})
    done = _trusted(folder, shapes)
    starts = _starts(shapes)
    os.truncate(folder / INDEX, done * WRITTEN.itemsize)
    with progress(len(shapes), what, "image", initial=done) as bar:
        for i in range(done, len(shapes)):
            start = time.perf_counter()
            bytes_of = np.ascontiguousarray(compute(i), dtype=np.float16).tobytes()
            _write_at(folder / DATA, int(starts[i]), bytes_of)
            seconds = np.float32(time.perf_counter() - start)
            written = np.array((_checksum(bytes_of, seconds), seconds), WRITTEN)
            _write_at(folder / INDEX, i * WRITTEN.itemsize, written.tobytes())
            bar.update()
    return FeatureCache(folder, shapes)


def assert_room(folder: Path, shapes: Sequence[tuple[int, ...]], reclaimed: int = 0) -> None:
    """Refuse features that the disk of ``folder`` has no room for.

    Args:
        folder: of what is to be written; made if need be.
        shapes: of each entry.
        reclaimed: bytes on the disk that these features hold already, or that go before them.

    Raises:
        UserError: with the space that is needed and that there is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    size = int(_starts(shapes)[-1])
    free = shutil.disk_usage(folder).free + reclaimed
    if size > free:
        raise UserError(
            f"{folder}: needs {size / GB:.2f} GB for features, the disk has {free / GB:.2f} GB."
            " Free some space, or lower train.proposals."
        )


def _starts(shapes: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Where each entry starts in bytes, and last where all of them end."""
    sizes = [2 * int(np.prod(shape)) for shape in shapes]
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def _check_key(folder: Path, header: dict, key: object) -> None:
    if header.get("key") != sha256_json(key):
        raise UserError(
            f"{folder}: features of other weights, proposals, pictures or settings"
            f" (key {str(header.get('key'))[:12]}, wanted {sha256_json(key)[:12]})."
            " Delete the folder; the training computes them anew."
        )


def _claim(folder: Path, shapes: Sequence[tuple[int, ...]]) -> None:
    """Say how large the cache will be, refuse if the disk is too small, and make its files."""
    size = int(_starts(shapes)[-1])
    print(f"{folder}: features of {len(shapes)} images, {size / GB:.2f} GB", flush=True)
    assert_room(folder, shapes)
    with (folder / DATA).open("wb") as file:
        file.truncate(size)
    (folder / INDEX).write_bytes(b"")


def _checksum(entry: bytes, seconds: np.float32) -> int:
    return zlib.crc32(seconds.tobytes(), zlib.crc32(entry))


def _write_at(path: Path, start: int, data: bytes) -> None:
    # The disk may be full though `_claim` saw room: the file has holes until it is filled.
    with refusals_told(path), path.open("r+b") as file:
        file.seek(start)
        file.write(data)


def _data_fits(folder: Path, shapes: Sequence[tuple[int, ...]]) -> bool:
    return (folder / DATA).stat().st_size == _starts(shapes)[-1]


def _index(folder: Path) -> np.ndarray:
    """What was written, entry by entry; a last part that is torn does not count."""
    written = (folder / INDEX).read_bytes()
    return np.frombuffer(written, WRITTEN, len(written) // WRITTEN.itemsize)


def _trusted(folder: Path, shapes: Sequence[tuple[int, ...]]) -> int:
    """How many entries, from the first on, are there and whole."""
    if not _data_fits(folder, shapes):
        _claim(folder, shapes)
    cache = FeatureCache(folder, shapes)
    for i, (checksum, seconds) in enumerate(_index(folder)):
        if _checksum(cache[i].tobytes(), seconds) != checksum:
            return i
    return len(_index(folder))
