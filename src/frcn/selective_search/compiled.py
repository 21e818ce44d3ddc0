"""Numba's compiled code, thrown away when any file of the engine has changed.

Numba compiles a function anew when its own file changes, but not when only a function of another
file that it calls does: after an edit or an update, old code would run on without a word.
"""

import contextlib
import hashlib
from pathlib import Path


def discard_stale_code(package: Path) -> None:
    """Delete what Numba keeps beside ``package``'s files, unless they are those it was made of.

    Where that folder can't be written, or NUMBA_CACHE_DIR names another, nothing is done.
    """
    cache = package / "__pycache__"
    stamp = cache / "sources.sha256"
    sources = b"".join(path.read_bytes() for path in sorted(package.glob("*.py")))
    digest = hashlib.sha256(sources).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    with contextlib.suppress(OSError):
        for compiled in cache.glob("*.nb[ci]"):
            compiled.unlink(missing_ok=True)
        cache.mkdir(exist_ok=True)
        stamp.write_text(digest)
