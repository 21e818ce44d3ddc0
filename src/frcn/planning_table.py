"""The table of ``frcn plan``: stages in the order of the graph, then the total."""

from collections.abc import Sequence
from dataclasses import dataclass

from frcn.report.table import EMPTY, seconds
from frcn.text_table import aligned

ORDER = ("networks", "configs", "fetch", "proposals", "backbone", "published", "timing")
LAST = ("train", "detect", "score", "report")
HEADER = ("stage", "of", "state", "time", "disk", "scratch", "GPU memory")
NOT_MEASURED = "not measured"
NOTES = (
    "≈ estimated; – not estimated (seconds to minutes, downloads left out)",
    "scratch: files that R-CNN and SPP-net delete when their training ends",
)


@dataclass(frozen=True)
class Cost:
    """Seconds and bytes; None where they are not known.

    ``disk`` stays, ``scratch`` is deleted when the stage ends. Unless ``estimated``, the seconds
    are those of an earlier run.
    """

    seconds: float | None = None
    estimated: bool = True
    disk: int = 0
    scratch: int = 0
    memory: int | None = None


@dataclass(frozen=True)
class Planned:
    """A stage of the graph, such as ``train@mini-XS-default-0``, that would run."""

    stage: str
    state: str
    cost: Cost


def plan_table(planned: Sequence[Planned], notes: Sequence[str]) -> str:
    """Aligned lines grouped by stage, the total, and notes."""
    order = (*ORDER, *LAST)
    stages = sorted(planned, key=lambda p: (order.index(p.stage.partition("@")[0]), p.stage))
    costs = [p.cost for p in planned]
    total = Planned("total", f"{len(planned)} stages", total_cost(costs))
    rows = [_row(p) for p in [*stages, total]]
    lines = aligned([HEADER, *rows], right=(3, 4, 5, 6)).splitlines()
    return "\n".join([*lines, "", *NOTES, *notes])


def total_cost(costs: Sequence[Cost]) -> Cost:
    """Times and disk together; scratch and memory of the one that needs most."""
    known = [cost for cost in costs if cost.seconds is not None]
    return Cost(
        sum(cost.seconds for cost in known) if known else None,
        any(cost.estimated for cost in known),
        sum(cost.disk for cost in costs),
        max(cost.scratch for cost in costs),
        max((cost.memory for cost in costs if cost.memory is not None), default=None),
    )


def size(count: float) -> str:
    """Bytes in decimal units, three significant digits."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def _row(planned: Planned) -> tuple[str, ...]:
    name, _, key = planned.stage.partition("@")
    cost = planned.cost
    sign = "≈ " if cost.estimated else ""
    time = EMPTY if cost.seconds is None else sign + seconds(cost.seconds)
    trained = name in ("train", "total")
    memory = NOT_MEASURED if cost.memory is None else f"≈ {size(cost.memory)}"
    sizes = [f"≈ {size(count)}" if count else EMPTY for count in (cost.disk, cost.scratch)]
    return (name, key, planned.state, time, *sizes, memory if trained else EMPTY)
