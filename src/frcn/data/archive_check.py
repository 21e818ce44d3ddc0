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
    with path.open("rb") as file:
        if file.read(FIRST_BYTES).lstrip().lower().startswith(HTML):
            return f"is {HTML_SAID}"
    size = path.stat().st_size
    if archive.size not in (None, size):
        return f"has {size} bytes, wanted {archive.size}"
    for algorithm in ("md5", "sha256"):
        wanted = getattr(archive, algorithm)
        with path.open("rb") as file:
            found = hashlib.file_digest(file, algorithm).hexdigest() if wanted else None
        if found != wanted:
            return f"has {algorithm} {found}, wanted {wanted}"
    return None
