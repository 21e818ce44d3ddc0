"""Stage ``report``: tables, claims, figures and the page of a profile."""

from pathlib import Path

from frcn.report.build import build
from pipelines.stage import run


def report(profile: str, seeds: str, out: Path) -> None:
    """Write results/<profile> from what the other stages left of the given seeds."""
    folders = ("configs", "artefacts", "conf/paper", "data", "benchmarks/results")
    build(profile, *map(Path, folders), [int(seed) for seed in seeds.split()], out)


if __name__ == "__main__":
    run(report, profile=str, seeds=str, out=Path)
