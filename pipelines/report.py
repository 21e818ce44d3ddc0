"""Stage ``report``: tables, claims, figures and the page of a profile."""

from pathlib import Path

from frcn.report.build import build
from pipelines.stage import run


def report(profile: str, seeds: str, noise: str, repeated: str, out: Path) -> None:
    """Write results/<profile> from what the other stages left of the given seeds.

    ``noise`` has further seeds of the experiments ``repeated``; all three are words with spaces
    between.
    """
    folders = ("configs", "artefacts", "conf/paper", "data", "benchmarks/results")
    build(profile, *map(Path, folders), _numbers(seeds), out, _numbers(noise), repeated.split())


def _numbers(words: str) -> list[int]:
    return [int(word) for word in words.split()]


if __name__ == "__main__":
    run(report, profile=str, seeds=str, noise=str, repeated=str, out=Path)
