"""Stage ``report``: tables, claims, figures and the page of a profile."""

from pathlib import Path

from frcn.report.build import build
from pipelines.stage import run


def report(profile: str, seeds: str, out: Path) -> None:
    """Write results/<profile> from what the other stages left of the given seeds."""
    folders = (Path("configs"), Path("artefacts"), Path("conf/paper"), Path("data"))
    build(profile, *folders, [int(seed) for seed in seeds.split()], out)


if __name__ == "__main__":
    run(report, profile=str, seeds=str, out=Path)
