"""Where a ruling comes from: the command that regenerates it, and MLflow's runs that show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from frcn.report.cells import CellRuns, Cells

REPORT_RUN = "report"
"""MLflow's run of everything in ``results/<profile>``, measurements at the paper's scale too."""


@dataclass(frozen=True)
class Origin:
    """What decides a claim of a profile.

    Attributes:
        profile: whose claim it is.
        command: what to type at the repository's root; empty where no command can decide it.
        runs: names of MLflow's runs that show it.
    """

    profile: str
    command: str = ""
    runs: tuple[str, ...] = ()

    @property
    def experiment(self) -> str:
        """MLflow's experiment that holds the runs."""
        return f"frcn-{self.profile}"


def origin_of_cells(cells: Cells, deciding: Sequence[CellRuns]) -> Origin:
    """Origin of a claim that these cells decide, with all their seeds."""
    wanted = (f"score@{cells.profile}-{c.name}-{seed}" for c in deciding for seed in c.seeds)
    runs = (f"{cell.name}-{run.seed}" for cell in deciding for run in cell.runs)
    # A cell may be there twice, with the profile's seeds and with those for the noise.
    return Origin(
        cells.profile,
        _reproduce(cells.profile, *dict.fromkeys(wanted)),
        tuple(dict.fromkeys(runs)),
    )


def origin_of_timing(profile: str, network: str, measured: bool) -> Origin:
    """Origin of a claim that the measurements of a network at the paper's scale decide."""
    return Origin(profile, _reproduce(profile, f"timing@{network}"), _report_run(measured))


def origin_of_benchmark(profile: str, measured: bool) -> Origin:
    """Origin of a claim about the time of proposals."""
    pictures_and_report = _reproduce(profile, f"fetch@{profile}")
    benchmark = f".venv/bin/python benchmarks/proposals.py --profile {profile}"
    command = " && ".join([pictures_and_report, benchmark, pictures_and_report])
    return Origin(profile, command, _report_run(measured))


def _report_run(measured: bool) -> tuple[str, ...]:
    return (REPORT_RUN,) if measured else ()


def _reproduce(profile: str, *stages: str) -> str:
    """The command that brings stages of DVC and the report up to date."""
    return f'make reproduce PROFILE={profile} ONLY="{" ".join(stages)}"'
