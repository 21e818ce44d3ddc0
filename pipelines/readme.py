"""Carry the committed results into the README, or check that it shows them."""

import argparse
from pathlib import Path

from frcn.errors import UserError
from frcn.report.readme import readme_drifted, update_readme
from pipelines.reproduce import RESULTS
from pipelines.stage import exit_cleanly

README = Path("README.md")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when they differ; write nothing")
    if not parser.parse_args().check:
        update_readme(README, RESULTS)
    elif readme_drifted(README, RESULTS):
        raise UserError(
            f"{README}: its results are not those of {RESULTS}/; run `python -m pipelines.readme`"
        )


if __name__ == "__main__":
    exit_cleanly(main)
