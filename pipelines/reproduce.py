"""Everything in one go: cells.yaml, ``dvc repro``, MLflow, and the tables on the screen."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from filelock import AcquireReturnProxy, FileLock, Timeout

from frcn.errors import UserError
from pipelines.cells import cells_of, wanted_profiles, wanted_text
from pipelines.collect import collect
from pipelines.configs import PROFILE_VARIABLE
from pipelines.stage import exit_cleanly

RESULTS = Path("results")
LOCK = Path("artefacts/reproduce.lock")
REPORTED = (
    "artefacts/{}/detect",
    "artefacts/{}/recall",
    "artefacts/{}/score",
    "artefacts/{}/train",
    "artefacts/timing",
)
"""Folders that the stage ``report`` depends on, of a profile."""
PATIENCE = 30.0
"""Seconds that an interrupted `dvc` gets to end before it is killed."""


def reproduce(only: str | None = None, stages: Sequence[str] = ()) -> None:
    """Bring params.yaml's profiles up to date, or one profile instead.

    With ``stages`` only these, what they need, and the report of what there then is. MLflow, which
    shows a profile as a whole, is left as it was.

    No tracked file changes but results and dvc.lock, also after Ctrl-C or SIGTERM.
    """
    profiles = wanted_profiles(only)
    with only_one(), cells_of(only):
        if stages:
            _run_stages(stages, profiles, only)
        else:
            _repro([], only)
    for profile in profiles:
        print_tables(RESULTS / profile)
    if stages:
        return
    # Last, for MLflow may be a server that is down.
    for profile in profiles:
        collect(profile, wanted_text(only))


def _run_stages(stages: Sequence[str], profiles: Sequence[str], only: str | None) -> None:
    needed = [f"{stage}@{profile}" for profile in profiles for stage in ("configs", "fetch")]
    _repro([*needed, *stages], only)
    for profile in profiles:
        # The report says "not run" of what is missing in them; DVC wants the folders.
        for folder in REPORTED:
            Path(folder.format(profile)).mkdir(parents=True, exist_ok=True)
        _repro(["--single-item", f"report@{profile}"], only)


def _repro(arguments: Sequence[str], only: str | None) -> None:
    # A `dvc repro` beside this one holds DVC's lock while it looks at the graph.
    if run_dvc(["--wait-for-lock", "repro", *arguments], only):
        raise UserError("`dvc repro` failed; its message is above. What was done is kept.")


def only_one() -> AcquireReturnProxy:
    """A lock for a `with`: two of these at once would write each other's cells.yaml."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    try:
        return FileLock(LOCK).acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"{LOCK} is held: another `make reproduce`, sweep, `frcn plan` or `frcn list` runs;"
            " wait for it"
        ) from None


def run_dvc(arguments: Sequence[str], only: str | None, **options: object) -> int:
    """Run DVC with this Python and its scripts first in PATH; returns its exit status.

    It gets a process group of its own, so that an interruption reaches the stage that it runs
    too, and this process lives on to tidy up.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = os.environ | {"PATH": path}
    environment.pop(PROFILE_VARIABLE, None)
    if only:
        environment[PROFILE_VARIABLE] = only
    command = [sys.executable, "-m", "dvc", *arguments]
    with subprocess.Popen(command, env=environment, process_group=0, **options) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            os.killpg(process.pid, signal.SIGINT)
            try:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(PATIENCE)
            finally:
                # Of patience that ended, or of a second Ctrl-C: nothing may outlive the lock.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            raise


def print_tables(results: Path) -> None:
    """Print a profile's claims and tables, the main ones first, and where its report is."""
    first = {"table_systems": 0, "table_main": 1}
    tables = sorted(results.glob("table_*.md"), key=lambda path: (first.get(path.stem, 2), path))
    for path in (results / "claims.md", *tables):
        print(f"{path.read_text().strip()}\n")
    print(f"Report: {results / 'report.html'}")


def interrupt_on_terminate() -> None:
    """Let SIGTERM end this process as Ctrl-C does, through its ``finally`` blocks."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", help="this one instead of those of params.yaml")
    parser.add_argument(
        "stages", nargs="*", help="only these and the report, such as score@mini-XS-default-0"
    )
    arguments = parser.parse_args()
    interrupt_on_terminate()
    reproduce(arguments.profile, arguments.stages)


if __name__ == "__main__":
    exit_cleanly(main)
