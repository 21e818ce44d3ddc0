"""Whether a file is the archive that a config means, before anything is unpacked."""

import hashlib
from pathlib import Path

from frcn.config import ArchiveFile

HTML = (b"<!doctype html", b"<html")
HTML_SAID = "an HTML page, not an archive: a login or an error page perhaps"
FIRST_BYTES = 512


def fault(path: Path, archive: ArchiveFile) -> str | None:
    """What is wrong with the file at ``path``, in words; None when all that is known fits.

    An archive without a size or checksum in the config can only be seen to be no web page.
    """
    found = _difference(path, archive)
    if (found or not archive.is_pinned) and _is_html(path):
        return f"is {HTML_SAID}"
    return found


def _difference(path: Path, archive: ArchiveFile) -> str | None:
    size = path.stat().st_size
    if archive.size not in (None, size):
        return f"has {size} bytes, wanted {archive.size}"
    for algorithm in ("md5", "sha256"):
        if wanted := getattr(archive, algorithm):
            with path.open("rb") as file:
                found = hashlib.file_digest(file, algorithm).hexdigest()
            if found != wanted:
                return f"has {algorithm} {found}, wanted {wanted}"
    return None


def _is_html(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(FIRST_BYTES).lstrip().lower().startswith(HTML)
