"""A published weight file on this machine, checked against what its publisher says of it."""

import os
from pathlib import Path

from frcn.config import PublishedFile
from frcn.data.disk import full_disk_told
from frcn.data.download import DOWNLOADS, download
from frcn.data.file_check import fault
from frcn.errors import UserError

FOLDER = "FRCN_WEIGHTS"
"""The environment variable that names a folder with copies of the files; nothing is downloaded
where it is set."""


def find(file: PublishedFile) -> Path:
    """A copy in the folder of ``FRCN_WEIGHTS``, or else a download, kept for next time.

    Raises:
        UserError: it is not in the folder, can't be downloaded, or is another file than was
            published: where to get it and where to put it, which checksum was wanted and found.
    """
    checksum = f"md5 {file.md5}" if file.md5 else f"sha256 {file.sha256}"
    remedy = (
        f"Get {file.name} ({checksum}) from {' or '.join(file.urls)}, or a copy from anywhere, put"
        f" it into a folder, and set {FOLDER} to that folder."
    )
    if folder := os.environ.get(FOLDER):
        path = Path(folder).expanduser() / file.name
        found = fault(path, file) if path.is_file() else "not found"
        if found:
            raise UserError(f"{path}: {found}. {remedy}")
        return path
    try:
        with full_disk_told(DOWNLOADS):
            return download(file, DOWNLOADS)
    except UserError as error:
        raise UserError(f"{error}\n{remedy}") from None
