"""What the scripts of the stages share: typed options, and errors without a traceback."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from frcn.config import Cell
from frcn.errors import INTERRUPTED, UserError


def run(stage: Callable[..., None], **options: Callable[[str], object]) -> None:
    """Call a stage with its command-line options, each of them required.

    A ``UserError`` prints its message and exits with status 2, as argparse does.
    """
    parser = argparse.ArgumentParser(description=stage.__doc__)
    for name, kind in options.items():
        parser.add_argument(f"--{name}", type=kind, required=True)
    exit_cleanly(lambda: stage(**vars(parser.parse_args())))


def exit_cleanly(main: Callable[[], None]) -> None:
    """Run an entry point; bad input and Ctrl-C end it with a message, not with a traceback."""
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)


def resume_path(profile: str, name: str) -> Path:
    """Where a stage keeps its resumable state: outside the outs, which DVC deletes."""
    return Path("artefacts/resume") / profile / name


def proposals_file(cell: Cell, split: str) -> Path:
    """The proposal store of a split: that of the cell's list."""
    return Path("artefacts") / cell.profile / "proposals" / cell.proposals.name / f"{split}.npy"
