"""Downloads that continue where an earlier attempt stopped, and are whole, checked or absent."""

import urllib.error
import urllib.request
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from frcn.artefacts import FULL, sha256
from frcn.config import PublishedFile
from frcn.data.file_check import HTML_SAID, fault
from frcn.errors import UserError
from frcn.progress import progress

DOWNLOADS = Path("artefacts/cache/downloads")
"""Where they are kept, relative to the repository."""
TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as dead."""
CHUNK = 1 << 16
PARTIAL_CONTENT = 206
RANGE_NOT_SATISFIABLE = 416


def download(archive: PublishedFile, folder: Path) -> Path:
    """The archive in ``folder``, from the first of its mirrors that gives what is wanted.

    What arrived before an interruption is kept and continued, by the next mirror or the next
    call; an archive that is there already isn't loaded again, but checked again. What fails the
    check is removed, and the next mirror starts anew.

    Raises:
        UserError: every address failed; the message has each one's reason.
        OSError: the disk is full; what had arrived of the file is removed.
    """
    target = _target(archive, folder)
    if target.exists():
        if fault(target, archive) is None:
            return target
        target.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    part = _part(target)
    failures = []
    for url in archive.urls:
        try:
            if _size(part) != archive.size:
                _fetch(url, part, archive.size)
        except (OSError, HTTPException, ValueError) as error:
            if isinstance(error, OSError) and error.errno in FULL:
                part.unlink(missing_ok=True)
                raise
            failures.append(f"  {url}: {error}")
            continue
        if found := fault(part, archive):
            part.unlink()
            failures.append(f"  {url}: what came {found}; it was removed")
            continue
        part.replace(target)
        return target
    raise UserError("\n".join([f"{archive.name}: no address could be downloaded", *failures]))


def bytes_missing(archive: PublishedFile, folder: Path) -> int:
    """How many bytes of an archive ``folder`` still lacks; 0 when its size is unknown."""
    target = _target(archive, folder)
    return max(0, (archive.size or 0) - max(_size(target), _size(_part(target))))


def _target(archive: PublishedFile, folder: Path) -> Path:
    return folder / f"{sha256(archive.urls[0].encode())[:12]}-{archive.name}"


def _part(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fetch(url: str, part: Path, wanted: int | None) -> None:
    done = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != RANGE_NOT_SATISFIABLE:
            raise
        # Nothing is left to ask for, or the file has changed: only a fresh start can tell.
        part.unlink()
        _fetch(url, part, wanted)
        return
    with response:
        if response.status != PARTIAL_CONTENT:  # the server ignores ranges
            done = 0
        total = _total(response, done, wanted)
        with (
            part.open("ab" if done else "wb") as file,
            progress(total, f"download {part.stem}", "B", initial=done) as bar,
        ):
            while chunk := response.read1(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    if total and _size(part) != total:
        raise OSError(f"connection closed after {_size(part)} of {total} bytes")


def _total(response: HTTPResponse, done: int, wanted: int | None) -> int:
    """The whole file's size in bytes, 0 if unknown.

    What can't be the archive is refused here, before it takes the place of what had arrived.
    """
    if response.headers.get_content_type() == "text/html":
        raise ValueError(HTML_SAID)
    length = response.headers.get("Content-Length")
    total = done + int(length) if length else 0
    if total and wanted not in (None, total):
        raise ValueError(f"{total} bytes are offered, wanted {wanted}")
    return total or wanted or 0
