"""Disks that are too small: known before the work where sizes are known, else told clearly."""

import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from frcn.artefacts import FULL
from frcn.errors import UserError

GB = 1e9


def require_space(needs: Mapping[Path, int]) -> None:
    """Assert that the disks have room for so many bytes in each of some folders, which exist.

    Raises:
        UserError: a disk has less room than its folders need together.
    """
    disks: dict[int, list[Path]] = defaultdict(list)
    for folder in needs:
        disks[folder.stat().st_dev].append(folder)
    for folders in disks.values():
        needed = sum(needs[folder] for folder in folders)
        free = shutil.disk_usage(folders[0]).free
        if free < needed:
            raise UserError(
                f"{folders[0]}: {free / GB:.2f} GB are free on its disk, wanted "
                f"{needed / GB:.2f} GB. Free some space and run again; nothing was downloaded."
            )


@contextmanager
def full_disk_told(where: Path) -> Iterator[None]:
    """Turn the error of a full disk into a message; whoever writes removes what it left.

    Raises:
        UserError: a disk is full, or the user's share of it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise UserError(
            f"{error.filename or where}: no space is left on the disk. What was half-made is "
            "removed; free some space and run again."
        ) from None
