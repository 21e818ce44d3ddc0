"""Downloads that continue where an earlier attempt stopped."""

import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path

from frcn.artefacts import sha256
from frcn.errors import UserError
from frcn.progress import progress

TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as dead."""
CHUNK = 1 << 16
PARTIAL_CONTENT = 206
RANGE_NOT_SATISFIABLE = 416


def download(urls: Sequence[str], folder: Path) -> Path:
    """The file in ``folder`` that the first working one of ``urls`` (mirrors) gave.

    What arrived before an interruption is kept and continued next time; a file that is there
    already isn't loaded again. The content is the caller's to verify.

    Raises:
        UserError: every address failed; the message has each one's reason.
    """
    failures = []
    for url in urls:
        target = Path(folder) / f"{sha256(url.encode())[:12]}-{url.rsplit('/', 1)[-1]}"
        if target.exists():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        try:
            _fetch(url, part)
        except (OSError, HTTPException, ValueError) as error:
            failures.append(f"  {url}: {error}")
            continue
        part.replace(target)
        return target
    raise UserError("\n".join(["no address could be downloaded", *failures]))


def _fetch(url: str, part: Path) -> None:
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != RANGE_NOT_SATISFIABLE:
            raise
        # Nothing is left to ask for, or the file has changed: only a fresh start can tell.
        part.unlink()
        _fetch(url, part)
        return
    with response:
        if response.status != PARTIAL_CONTENT:  # the server ignores ranges
            done = 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else 0
        with (
            part.open("ab" if done else "wb") as file,
            progress(total, f"download {part.stem}", "B", initial=done) as bar,
        ):
            while chunk := response.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    if total and part.stat().st_size != total:
        raise OSError(f"connection closed after {part.stat().st_size} of {total} bytes")
