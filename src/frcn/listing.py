"""The table of ``frcn list``: every cell, the published mAP, ours, and whether it is up to date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from frcn.report.paper import Paper
from frcn.report.proposal_tables import PROPOSALS_NETWORK
from frcn.report.table import EMPTY, percent
from frcn.text_table import aligned

HEADER = ("profile", "cell", "paper mAP", "our mAP", "state")


@dataclass(frozen=True)
class Listed:
    """A cell: ``published`` are the paper's mAP by its networks, ``ours`` the mean over seeds.

    All mAP in percent; ``ours`` is None where nothing was scored.
    """

    profile: str
    cell: str
    network: str
    published: Mapping[str, float]
    ours: float | None
    state: str


def cells_table(cells: Sequence[Listed]) -> str:
    """One aligned line per cell.

    A cell with a network of the paper's has its published number beside it, one with XS those
    of all networks.
    """
    rows = [
        (cell.profile, cell.cell, _published(cell), percent(cell.ours), cell.state)
        for cell in cells
    ]
    return aligned([HEADER, *rows], right=(3,))


def published_maps(paper: Paper) -> dict[str, dict[str, float]]:
    """Published mAP in percent, by experiment and network."""
    rows = [row for table in paper.tables.values() for row in table.rows] + paper.systems.rows
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        if row.experiment:
            found.setdefault(row.experiment, {}).update(row.paper.get("map", {}))
    for row in paper.proposals.rows:
        if row.paper is not None:
            found.setdefault(row.experiment, {})[PROPOSALS_NETWORK] = row.paper
    return found


def _published(cell: Listed) -> str:
    if cell.network != "XS":
        return percent(cell.published.get(cell.network))
    return (
        "  ".join(
            f"{n} {percent(cell.published[n])}" for n in sorted(cell.published, key="SML".index)
        )
        or EMPTY
    )
