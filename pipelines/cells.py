"""Which runs DVC sees: pipelines/cells.yaml, made from params.yaml and conf/.

DVC can't express cells with different parents by a matrix; it iterates over the dicts of this
file instead. It is committed, so that ``dvc repro`` works alone.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from frcn.artefacts import sha256_file, sha256_json, write_text
from frcn.config import Cell, Strict, load
from frcn.errors import UserError
from pipelines.compose import CONF, compose_cells, noise_seeds, proposal_lists

FILE = Path("pipelines/cells.yaml")
PARAMS = Path("params.yaml")
CACHE = Path("artefacts/cache/cells")
# What the content of cells.yaml depends on, beside params.yaml and the configs.
CODE = ("pipelines/cells.py", "pipelines/compose.py", "src/frcn/config/*.py")
# SPP-net's fc layers are pre-trained on its pyramid, and its convolutions with them.
POOLING = {"fast_rcnn": "grid", "rcnn": "grid", "spp_net": "pyramid"}
HEADER = "# Made from params.yaml and conf/ by `python -m pipelines.reproduce`; do not edit.\n"


class Params(Strict):
    """params.yaml: the one place for profiles and seeds."""

    profile: list[str]
    seeds: list[int]


def cells_text(profiles: list[str], seeds: list[int], conf: Path = CONF) -> str:
    """The content of cells.yaml: for each stage what it iterates over."""
    stages = ("profiles", "backbones", "published", "proposals", "train", "detect")
    plan: dict[str, dict] = {stage: {} for stage in stages}
    for profile in profiles:
        cells = compose_cells(profile, conf)
        noise = noise_seeds(profile, conf)
        repeated = {cell.experiment for name, cell in cells.items() if _is_repeated(cells, name)}
        plan["profiles"][profile] = {
            "seeds": _words(seeds),
            "noise": _words(noise),
            "repeated": _words(sorted(repeated)),
        }
        for name in proposal_lists(cells):
            plan["proposals"][f"{profile}-{name}"] = {"profile": profile, "name": name}
        for name, cell in cells.items():
            network, pooling = cell.network.name, POOLING[cell.system]
            if cell.train.parent == "backbone":
                backbone = {"network": network, "pooling": pooling}
                plan["backbones"][f"{network}-{pooling}"] = backbone
            elif cell.train.parent == "published":
                plan["published"][network] = {"network": network}
            for seed in sorted({*seeds, *noise}) if _is_repeated(cells, name) else seeds:
                _add_run(plan, cells, name, seed)
    return HEADER + yaml.safe_dump(plan, sort_keys=False, default_flow_style=None, width=200)


def _words(values: Iterable[object]) -> str:
    return " ".join(map(str, values))


def _is_repeated(cells: dict[str, Cell], name: str) -> bool:
    """Whether a cell is ``default`` or goes back to its training, and so tells of its noise."""
    network, lineage = cells[name].network.name, []
    # Where cells descend from each other this ends, and `_weights` tells of it.
    while name in cells and name not in lineage:
        lineage.append(name)
        name = f"{network}-{cells[name].train.parent}"
    return f"{network}-default" in lineage


def wanted_profiles(only: str | None = None) -> list[str]:
    """``only``, or without it the profiles of params.yaml."""
    return [only] if only else load(Params, PARAMS).profile


def wanted_text(only: str | None = None) -> str:
    """What cells.yaml should say for params.yaml, or for one profile instead of its list.

    Kept by content: composing takes seconds, and most often nothing has changed.
    """
    profiles, seeds = wanted_profiles(only), load(Params, PARAMS).seeds
    code = (path for pattern in CODE for path in Path().glob(pattern))
    sources = [*code, *CONF.rglob("*.yaml")]
    hashes = {str(path): sha256_file(path) for path in sources}
    cached = CACHE / f"{sha256_json([profiles, seeds, hashes])[:16]}.yaml"
    if not cached.exists():
        write_text(cached, cells_text(profiles, seeds))
    return cached.read_text()


def write_if_changed(text: str) -> bool:
    """Bring cells.yaml up to date; tells whether it was not."""
    if FILE.exists() and FILE.read_text() == text:
        return False
    write_text(FILE, text)
    return True


@contextmanager
def cells_of(only: str | None) -> Iterator[None]:
    """Let cells.yaml speak of one profile for a while, and of params.yaml's again after."""
    usual = wanted_text()
    write_if_changed(wanted_text(only))
    try:
        yield
    finally:
        write_if_changed(usual)


def _add_run(plan: dict, cells: dict[str, Cell], name: str, seed: int) -> None:
    cell = cells[name]
    key = f"{cell.profile}-{name}-{seed}"
    run = {
        "profile": cell.profile,
        "cell": name,
        "seed": seed,
        "system": cell.system,
        "proposals": cell.proposals.name,
    }
    weights = _weights(cells, name, seed)
    if cell.train.kind != "none":
        plan["train"][key] = run | {"parent": _parent_weights(cells, name, seed)}
    plan["detect"][key] = run | {"weights": weights}


def _weights(cells: dict[str, Cell], name: str, seed: int, heirs: tuple[str, ...] = ()) -> str:
    """The weights that a cell is tested with: its own, or its parent's if it trains nothing."""
    cell = cells[name]
    inherited = _parent_weights(cells, name, seed, heirs)
    if cell.train.kind == "none":
        return inherited
    return f"artefacts/{cell.profile}/train/{name}-{seed}/weights.safetensors"


def _parent_weights(
    cells: dict[str, Cell], name: str, seed: int, heirs: tuple[str, ...] = ()
) -> str:
    cell = cells[name]
    network, parent = cell.network.name, cell.train.parent
    if parent == "backbone":
        return f"artefacts/backbone/{network}-{POOLING[cell.system]}.safetensors"
    if parent == "published":
        return f"artefacts/published/{network}.safetensors"
    where = f"conf/experiment/{cell.experiment}.yaml: train.parent {parent!r}"
    if f"{network}-{parent}" not in cells:
        raise UserError(
            f"{where} is no experiment of profile {cell.profile}, network {network};"
            " name another, or leave this one out with `plan.without` of the profile"
        )
    if name in heirs:
        raise UserError(f"{where}: {' <- '.join((*heirs, name))} descend from each other")
    return _weights(cells, f"{network}-{parent}", seed, (*heirs, name))
