"""The state of every stage of the DVC graph, and of the cells that the stages make."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import mean

from dvc.exceptions import DvcException
from dvc.repo import Repo

from frcn.artefacts import read_json
from frcn.config import Cell, load
from frcn.errors import UserError
from frcn.listing import Listed, cells_table, published_maps
from frcn.report.paper import load_paper
from pipelines.cells import PARAMS, Params, cells_of
from pipelines.compose import CONF, compose_cells
from pipelines.reproduce import only_one

FRESH, STALE, NEVER_RUN = "fresh", "stale", "never run"
CONFIGS, ARTEFACTS = Path("configs"), Path("artefacts")


def stage_states() -> dict[str, str]:
    """``fresh``, ``stale`` or ``never run`` for every stage, those that it depends on first.

    A stage was never run when an out of it is missing. It is stale when `dvc status` lists it or
    when a stage that it depends on is not fresh, which `dvc status` says of that stage only.

    Raises:
        UserError: DVC can't read the graph, or is at work.
    """
    try:
        with Repo() as repo:
            changed = set(repo.status())
            graph = repo.index.graph
            needs = {stage: list(graph.successors(stage)) for stage in graph}
            missing = {stage for stage in graph if not all(out.exists for out in stage.outs)}
    except DvcException as error:
        raise UserError(f"`dvc status` failed: {error}") from None
    states: dict[str, str] = {}
    for stage in TopologicalSorter(needs).static_order():
        upstream = all(states[need.addressing] == FRESH for need in needs[stage])
        fresh = upstream and stage.addressing not in changed
        state = NEVER_RUN if stage in missing else FRESH if fresh else STALE
        states[stage.addressing] = state
    return states


@contextlib.contextmanager
def graph_of(profile: str) -> Iterator[dict[str, Cell]]:
    """Let DVC see the stages of one profile for a while; gives the profile's composed cells.

    Raises:
        UserError: `make reproduce` is at work, or the profile does not compose.
    """
    cells = compose_cells(profile)
    with only_one(), cells_of(profile):
        yield cells


def cell_state(states: Mapping[str, str], cell: str) -> str:
    """State of a cell from those of its runs' stages ``score``, with how many ran if not all.

    ``cell`` begins with the profile: ``mini-XS-default``. Its runs are those of all seeds that the
    graph has, also those for the noise of training.
    """
    of_runs = [s for stage, s in states.items() if stage.rpartition("-")[0] == f"score@{cell}"]
    ran = [state for state in of_runs if state != NEVER_RUN]
    if not ran:
        return NEVER_RUN
    state = STALE if STALE in ran else FRESH
    return state if len(ran) == len(of_runs) else f"{state}, {len(ran)} of {len(of_runs)} seeds"


def list_cells(profile: str | None) -> str:
    """The table of ``frcn list``: of a profile, or of all that have resolved configs.

    Raises:
        UserError: there is no such profile, or no resolved config of any.
    """
    profiles = [profile] if profile else resolved_profiles()
    published = published_maps(load_paper(CONF / "paper"))
    seeds = load(Params, PARAMS).seeds
    rows = []
    for name in profiles:
        with graph_of(name) as cells:
            states = stage_states()
        for cell_name, cell in cells.items():
            rows.append(
                Listed(
                    profile=name,
                    cell=cell_name,
                    network=cell.network.name,
                    published=published.get(cell.experiment, {}),
                    ours=_mean_map(name, [f"{cell_name}-{seed}" for seed in seeds]),
                    state=cell_state(states, f"{name}-{cell_name}"),
                )
            )
    return cells_table(rows)


def resolved_profiles() -> list[str]:
    """Profiles whose configs the stage ``configs`` has written.

    Raises:
        UserError: there is none.
    """
    profiles = sorted(path.parent.name for path in CONFIGS.glob("*/profile.yaml"))
    if not profiles:
        raise UserError(
            f"{CONFIGS}: no resolved cells. `make reproduce` or `dvc repro` makes them;"
            " --profile NAME lists a profile without them."
        )
    return profiles


def _mean_map(profile: str, runs: Sequence[str]) -> float | None:
    files = [ARTEFACTS / profile / "score" / run / "score.json" for run in runs]
    maps = [read_json(file)["map_11pt"] for file in files if file.exists()]
    # A test split without any object has no mAP.
    known = [value for value in maps if value is not None]
    return mean(known) if known else None
