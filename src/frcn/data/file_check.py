"""Whether a file is the one that a config means, before it is used."""

from pathlib import Path

from frcn.artefacts import md5_file, sha256_file
from frcn.config import PublishedFile

HTML = (b"<!doctype html", b"<html")
HTML_SAID = "an HTML page: a login or an error page perhaps"
FIRST_BYTES = 512


def fault(path: Path, wanted: PublishedFile) -> str | None:
    """What is wrong with the file at ``path``, in words; None when all that is known fits.

    A file without a size or checksum in the config can only be seen to be no web page.
    """
    found = _difference(path, wanted)
    if (found or not wanted.is_pinned) and _is_html(path):
        return f"is {HTML_SAID}"
    return found


def _difference(path: Path, wanted: PublishedFile) -> str | None:
    size = path.stat().st_size
    if wanted.size not in (None, size):
        return f"has {size} bytes, wanted {wanted.size}"
    if wanted.md5 and (found := md5_file(path)) != wanted.md5:
        return f"has md5 {found}, wanted {wanted.md5}"
    if wanted.sha256 and (found := sha256_file(path)) != wanted.sha256:
        return f"has sha256 {found}, wanted {wanted.sha256}"
    return None


def _is_html(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(FIRST_BYTES).lstrip().lower().startswith(HTML)
