"""A real disk of few bytes: a tmpfs on a folder, for processes in a mount namespace of its own."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from repository_copy import environment

# Holds the namespace until its input is closed.
HOLD = 'mount -t tmpfs -o size="$1" tmpfs "$2" && echo mounted && exec cat'
PAGE = 4096
"""A tmpfs hands out whole pages of this size."""


class SmallDisk:
    """What lies on the disk is at ``path``; only what ``run`` starts sees it on the folder."""

    def __init__(self, folder: Path, pid: int) -> None:
        self.path = Path(f"/proc/{pid}/root", *folder.parts[1:])
        self._folder = folder
        self._enter = ["nsenter", "--user", "--mount", "--preserve-credentials", f"--target={pid}"]

    def run(self, repo: Path, *arguments: str) -> subprocess.CompletedProcess:
        """Run Python in a copy of the repository."""
        command = ["env", f"--chdir={repo}", sys.executable, *arguments]
        return subprocess.run(
            [*self._enter, *command],
            env=environment(repo) | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    def fill(self, room: int = 0) -> None:
        """Write a file that leaves ``room`` bytes, in whole pages."""
        self.empty()
        size = shutil.disk_usage(self.path).free - -(-room // PAGE) * PAGE
        self._filler.write_bytes(bytes(size))

    def empty(self) -> None:
        """Remove what ``fill`` wrote."""
        self._filler.unlink(missing_ok=True)

    def forbid_writing(self, forbid: bool = True) -> None:
        """Mount the disk anew, to be only read or to be written again."""
        mode = "remount,ro" if forbid else "remount,rw"
        subprocess.run([*self._enter, "mount", "-o", mode, self._folder], check=True)

    def files(self) -> dict[str, bytes]:
        """The content of all files, but for the one that fills the disk."""
        paths = [path for path in self.path.rglob("*") if path.is_file() and path != self._filler]
        return {str(path.relative_to(self.path)): path.read_bytes() for path in paths}

    @property
    def _filler(self) -> Path:
        return self.path / "filler"


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[SmallDisk]:
    """A disk of ``size`` bytes on a folder; the test is skipped where the kernel allows none."""
    folder.mkdir(parents=True, exist_ok=True)
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", HOLD, "hold"]
    with subprocess.Popen(
        [*unshare, str(size), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as holder:
        said = holder.stdout.readline()
        if said != "mounted\n":
            pytest.skip(f"NOT TESTED on a real full disk: no user namespaces here ({said.strip()})")
        yield SmallDisk(folder, holder.pid)
        holder.stdin.close()
