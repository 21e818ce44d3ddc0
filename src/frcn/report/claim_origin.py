"""Where a ruling comes from: the command that regenerates it, and MLflow's runs that show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from frcn.report.cells import CellRuns, Cells

REPORT_RUN = "report"
"""MLflow's run of everything in ``results/<profile>``, measurements at the paper's scale too."""


@dataclass(frozen=True)
class Origin:
    """DVC's stages that decide a claim, and the names of MLflow's runs that were scored.

    No stages where the profile lacks a cell of the claim.
    """

    profile: str
    stages: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """What to type at the repository's root; empty where no command can decide the claim."""
        if not self.stages:
            return ""
        return f'make reproduce PROFILE={self.profile} ONLY="{" ".join(self.stages)}"'

    @property
    def experiment(self) -> str:
        """MLflow's experiment that holds the runs."""
        return f"frcn-{self.profile}"


def origin_of_cells(cells: Cells, deciding: Sequence[CellRuns]) -> Origin:
    """Origin of a claim that these cells decide, with all seeds of the profile."""
    return Origin(
        cells.profile,
        tuple(f"score@{cells.profile}-{c.name}-{seed}" for c in deciding for seed in c.seeds),
        tuple(f"{cell.name}-{run.seed}" for cell in deciding for run in cell.runs),
    )


def origin_of_timing(profile: str, network: str, measured: bool) -> Origin:
    """Origin of a claim that the measurements of a network at the paper's scale decide."""
    return Origin(profile, (f"timing@{network}",), (REPORT_RUN,) if measured else ())
