"""A published weight file on this machine, checked against what its publisher says of it."""

import os
from pathlib import Path

from frcn.artefacts import md5_file, sha256_file
from frcn.config import CaffeWeights, TorchvisionWeights
from frcn.data.download import DOWNLOADS, download
from frcn.errors import UserError

FOLDER = "FRCN_WEIGHTS"
"""The environment variable that names a folder with copies of the files; nothing is downloaded
where it is set."""
WEB_PAGE = (b"<!doctype", b"<html")


def find(published: CaffeWeights | TorchvisionWeights) -> Path:
    """The file: a copy in the folder of ``FRCN_WEIGHTS``, or else a download, kept for next time.

    Raises:
        UserError: it is not in the folder, can't be downloaded, or is another file than was
            published: where to get it and where to put it, which checksum was wanted and found.
    """
    if folder := os.environ.get(FOLDER):
        path = Path(folder).expanduser() / published.file
        if not path.is_file():
            raise UserError(f"{path}: not found. {_remedy(published)}")
        _check(published, path)
        return path
    try:
        path = download(published.urls, DOWNLOADS)
    except UserError as error:
        raise UserError(f"{published.file}: {error}\n{_remedy(published)}") from None
    try:
        _check(published, path)
    except UserError as error:
        path.unlink()
        raise UserError(f"{error}\nThe download is removed; the next run tries again.") from None
    return path


def _check(published: CaffeWeights | TorchvisionWeights, path: Path) -> None:
    algorithm, wanted = _checksum(published)
    found = (md5_file if algorithm == "md5" else sha256_file)(path)[: len(wanted)]
    if found != wanted:
        with path.open("rb") as file:
            page = file.read(512).lstrip().lower().startswith(WEB_PAGE)
        kind = ", and it is a web page" if page else ""
        raise UserError(
            f"{path}: not the file that was published: {algorithm} {found} found,"
            f" {wanted} wanted{kind}. {_remedy(published)}"
        )


def _checksum(published: CaffeWeights | TorchvisionWeights) -> tuple[str, str]:
    if published.kind == "caffe":
        return "md5", published.md5
    return "sha256", Path(published.file).stem.rpartition("-")[2]


def _remedy(published: CaffeWeights | TorchvisionWeights) -> str:
    algorithm, wanted = _checksum(published)
    return (
        f"Get {published.file} ({algorithm} {wanted}) from {' or '.join(published.urls)}, or a copy"
        f" from anywhere, put it into a folder, and set {FOLDER} to that folder."
    )
