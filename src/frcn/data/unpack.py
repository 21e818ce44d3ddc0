"""Unpacking of archives from outside, which may hold anything."""

import errno
import gzip
import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from frcn.errors import UserError

# RuntimeError is what an encrypted zip gives, OSError without a number damaged bzip2.
BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,
)

# Of members whose names no folder can have at once, or at all.
BAD_NAMES = (errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar file into ``folder``: plain files and directories, nothing else.

    Raises:
        UserError: the archive is damaged, or has a member that is a link or a device, or whose
            name is absolute or climbs out of the folder.
    """
    members = _zip_members(archive) if zipfile.is_zipfile(archive) else _tar_members(archive)
    try:
        for name, content in members:
            target = folder / _safe(archive, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            with content, target.open("wb") as file:
                shutil.copyfileobj(content, file)
    except (*BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, *BAD_NAMES):
            raise  # a full disk, say, which is no fault of the archive
        raise UserError(f"{archive}: can't be unpacked ({error})") from None


def _tar_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            if not (member.isfile() or member.isdir()):
                _refuse(archive, member.name, "is a link or a device")
            if member.isfile():
                yield member.name, tar.extractfile(member)


def _zip_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                _refuse(archive, member.filename, "is a link or a device")
            if not member.is_dir():
                yield member.filename, file.open(member)


def _safe(archive: Path, name: str) -> Path:
    parts = re.split(r"[/\\]", name)
    if not parts[0] or ".." in parts or ":" in parts[0]:
        _refuse(archive, name, "would be written outside of its folder")
    return Path(*parts)


def _refuse(archive: Path, name: str, reason: str) -> None:
    raise UserError(f"{archive}: member {name!r} {reason}. Do not use this archive.")
