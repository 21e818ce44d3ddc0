"""The one place that hashes content and writes files that are either whole or absent."""

import contextlib
import errno
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from frcn.errors import UserError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# safetensors names the error's number in its words, NumPy tells no number.
FULL_SAID = re.compile(rf"os error ({'|'.join(map(str, FULL))})\b|requested and \d+ written")
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256 of some bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5_file(path: Path) -> str:
    """Hexadecimal MD5 of a file's content, for those whose publisher gave nothing better."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def sha256_json(value: object) -> str:
    """Hexadecimal SHA-256 of a JSON-able value, independent of the order of keys."""
    return sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it when the block succeeds.

    A failure, a full disk or a killed process leaves the old file (or none), never a part of
    the new one. The temporary file keeps the suffix, because writers choose formats by it.

    Raises:
        UserError: the disk is full, or the folder can't be written to.
    """
    path = Path(path)
    with refusals_told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix
        )
    os.close(handle)
    temporary = Path(name)
    try:
        # Up to the end: network file systems refuse what is too much when it is synchronised.
        with refusals_told(path):
            yield temporary
            # mkstemp makes files private to the user; artefacts get the ordinary permissions.
            umask = os.umask(0o077)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def refusals_told(path: Path) -> Iterator[None]:
    """Make one message of what the disk refuses; libraries tell of it each in its own way.

    For what ``atomic_path`` can't write, because it grows while it is used.

    Raises:
        UserError: the disk is full, or ``path`` can't be written to.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        number = getattr(error, "errno", None)
        if number in FULL or FULL_SAID.search(str(error)):
            reason, remedy = "the disk is full, or your share of it", "Free some space"
        elif number in FORBIDDEN:
            reason, remedy = os.strerror(number), "See to its permissions"
        else:
            raise
        raise UserError(
            f"{path}: can't be written, {reason}. {remedy} and run again; what was there before is"
            " as it was."
        ) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a binary file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: object) -> None:
    """Write indented JSON atomically; NaN is refused because readers disagree about it."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> object:
    """Read a JSON file.

    Raises:
        UserError: the file is missing or is no JSON.
    """
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: not found. `dvc repro` makes it.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: not valid JSON ({error}). Delete it; `dvc repro` makes it anew."
        ) from None
