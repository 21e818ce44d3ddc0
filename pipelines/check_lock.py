"""For CI: does dvc.lock say that the committed results are what the committed code produces?

No data is needed: ``dvc repro --allow-missing --dry`` compares the lock with code, configs and
results. It exits with 0 whatever it finds, so its output decides.
"""

import re
import subprocess
import sys
import tempfile

from frcn.errors import UserError
from pipelines.cells import cells_of, wanted_profiles
from pipelines.reproduce import RESULTS, interrupt_on_terminate, only_one, run_dvc
from pipelines.stage import exit_cleanly

# DVC gives up at the first stage that would run but whose deps aren't here.
WOULD_RUN = re.compile(r"^(?:Running stage|ERROR: failed to reproduce) '([^']+)'", re.MULTILINE)


def stale_stages(only: str) -> list[str]:
    """Stages of a profile that ``dvc repro`` would run.

    Raises:
        UserError: DVC can't read the graph or the lock.
    """
    with tempfile.TemporaryFile("w+") as output, cells_of(only):
        arguments = ["repro", "--allow-missing", "--dry"]
        status = run_dvc(arguments, only, stdout=output, stderr=subprocess.STDOUT)
        output.seek(0)
        text = output.read()
    stale = WOULD_RUN.findall(text)
    if status and not stale:
        raise UserError(f"`dvc {' '.join(arguments)}` failed:\n{text}")
    return stale


def main() -> None:
    interrupt_on_terminate()
    # A profile with committed results is checked even when it is not the usual one.
    profiles = {*wanted_profiles(), *(path.name for path in RESULTS.iterdir() if path.is_dir())}
    with only_one():
        stale = [stage for profile in sorted(profiles) for stage in stale_stages(profile)]
    if stale:
        sys.exit(
            "\n".join(
                ["dvc.lock is out of date; run `make reproduce`. Stages:", *dict.fromkeys(stale)]
            )
        )
    print(f"dvc.lock is up to date for {', '.join(sorted(profiles))}")


if __name__ == "__main__":
    exit_cleanly(main)
