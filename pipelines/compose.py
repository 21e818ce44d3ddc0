"""Composes and validates the configs: conf/ (Hydra) → ``frcn.config`` models.

A profile decides which networks and experiments it has; every file of conf/experiment counts,
so a new experiment is one new file.
"""

from functools import lru_cache
from pathlib import Path

import yaml
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import Field

from frcn.config import (
    Cell,
    DenseGrid,
    Model,
    Name,
    Network,
    Positive,
    Profile,
    ProfileProposals,
    Scales,
    Strict,
    validate,
)
from frcn.errors import UserError

CONF = Path("conf")
# Sections that guide the composition and are not part of a cell.
GUIDES = ("plan", "recipe")


class Plan(Strict):
    """Which cells there are: a profile's networks and experiments, an experiment's of both.

    ``noise_seeds``: with which a profile runs ``default``, and what starts from its training,
    beside the seeds of params.yaml, to measure how much mAP varies between trainings.
    """

    networks: list[Name] = Field(default_factory=list)
    without: list[Name] = Field(default_factory=list)
    noise_seeds: list[int] = Field(default_factory=list)
    only_networks: list[Name] | None = None
    only_profiles: list[Name] | None = None


class Recipe(Strict):
    """What experiments take from the profile because it goes with its images and schedule."""

    proposals: "RecipeProposals"
    counts: dict[Name, Positive]
    dense: DenseGrid
    pyramid: Scales
    rcnn: dict[Name, Positive]
    spp_net: "RecipeSPPNet"
    more_data: dict[Name, Positive]


class RecipeProposals(Strict):
    """The settings of selective search that go with the size of pictures and objects."""

    k: list[Positive] | None
    min_side: Positive | None
    max_width: Positive | None


class RecipeSPPNet(Strict):
    """SPP-net's scales and schedule."""

    short_sides: list[Positive]
    step_size: Positive
    iterations: Positive


def names(group: str, conf: Path = CONF) -> list[str]:
    """The files of a config group: ``profile``, ``network`` or ``experiment``."""
    return sorted(path.stem for path in (conf / group).glob("*.yaml"))


def compose_network(name: str, conf: Path = CONF) -> Network:
    """One network, as the backbone stage reads it."""
    values = _compose(conf, ("network", name), f"network={name}")["network"]
    return validate(Network, values, f"{conf}/network/{name}.yaml")


def compose_profile(name: str, conf: Path = CONF) -> Profile:
    """The sections that all cells of a profile share."""
    values = _compose(conf, ("profile", name), f"profile={name}")
    shared = {key: values.get(key) for key in Profile.model_fields}
    where = f"{conf}/profile/{name}.yaml"
    profile = validate(Profile, shared, where)
    if profile.data.root != f"data/{name}":
        # The stages of dvc.yaml look nowhere else, and depend on its manifest only.
        raise UserError(f"{where}: data.root is {profile.data.root!r}, wanted 'data/{name}'")
    return profile


def noise_seeds(profile: str, conf: Path = CONF) -> list[int]:
    """The seeds that a profile has for the noise of training."""
    return _plan(_compose(conf, ("profile", profile), f"profile={profile}")).noise_seeds


def compose_cells(profile: str, conf: Path = CONF) -> dict[str, Cell]:
    """All cells of a profile by name, ``<network>-<experiment>``.

    Composed once in a process, as long as no file of ``conf`` changes: voc07's take many seconds.

    Raises:
        UserError: with the problems of all cells, each with file and key.
    """
    content = tuple((path, path.read_bytes()) for path in sorted(conf.rglob("*.yaml")))
    return dict(_compose_cells(profile, conf, content))


@lru_cache(maxsize=8)
def _compose_cells(
    profile: str, conf: Path, content: tuple[tuple[Path, bytes], ...]
) -> dict[str, Cell]:
    """``content``, that of all files of ``conf``, only tells one call from another."""
    compose_profile(profile, conf)
    plan = _plan(_compose(conf, ("profile", profile), f"profile={profile}"))
    cells: dict[str, Cell] = {}
    problems: dict[str, list[str]] = {}
    for network in plan.networks:
        for experiment in names("experiment", conf):
            try:
                cell = compose_cell(profile, network, experiment, conf)
            except UserError as error:
                # What stands in the profile is wrong in every cell; it is told once.
                where, _, what = str(error).partition("\n")
                problems.setdefault(what, []).append(where)
            else:
                cells |= {f"{network}-{experiment}": cell} if cell else {}
    if problems:
        raise UserError("\n".join(_told_once(*item) for item in problems.items()))
    if not cells:
        raise UserError(f"{conf}/profile/{profile}.yaml: no cells; `plan.networks` names none")
    return cells


def proposal_lists(cells: dict[str, Cell]) -> dict[str, ProfileProposals]:
    """The proposal lists that cells of one profile use, by name.

    Raises:
        UserError: two cells have lists of one name that differ.
    """
    lists: dict[str, ProfileProposals] = {}
    for name, cell in cells.items():
        wanted = ProfileProposals(profile=cell.profile, data=cell.data, proposals=cell.proposals)
        known = lists.setdefault(cell.proposals.name, wanted)
        if known != wanted:
            raise UserError(
                f"conf/experiment/{cell.experiment}.yaml: {name} changes the proposal list"
                f" {cell.proposals.name!r} of other cells; give its list a `proposals.name` of its"
                " own"
            )
    return lists


def _told_once(what: str, places: list[str]) -> str:
    others = f" (and {len(places) - 1} cells more)" if len(places) > 1 else ""
    return "\n".join(part for part in (f"{places[0]}{others}", what) if part)


def compose_cell(profile: str, network: str, experiment: str, conf: Path = CONF) -> Cell | None:
    """One validated cell, or None where the profile or the experiment leaves it out."""
    overrides = (f"profile={profile}", f"network={network}", f"experiment={experiment}")
    values = _compose(conf, ("experiment", experiment), *overrides)
    where = f"{conf}/experiment/{experiment}.yaml (profile {profile}, network {network})"
    plan = validate(Plan, values.get("plan", {}), f"{where}, plan")
    of_network = network in (plan.only_networks or [network])
    of_profile = profile in (plan.only_profiles or [profile])
    if experiment in plan.without or not (of_network and of_profile):
        return None
    validate(Recipe, values.get("recipe"), f"{where}, recipe")
    cell = validate(Cell, {key: values[key] for key in values if key not in GUIDES}, where)
    if cell.experiment != experiment or cell.profile != profile:
        raise UserError(
            f"{where}: calls itself profile {cell.profile!r}, experiment {cell.experiment!r};"
            " the keys `profile` and `experiment` must equal the names of their files"
        )
    return cell


def _plan(values: dict) -> Plan:
    return validate(Plan, values.get("plan", {}), f"profile {values.get('profile')}, plan")


def _compose(conf: Path, wanted: tuple[str, str], *overrides: str) -> dict:
    group, name = wanted
    file = conf / group / f"{name}.yaml"
    if not file.exists():
        raise UserError(f"{file}: not found; {group} is one of {', '.join(names(group, conf))}")
    try:
        with initialize_config_dir(str(conf.resolve()), version_base="1.3"):
            composed = compose("cell", list(overrides))
        return _resolved(composed)
    except (HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        raise UserError(f"{file}: does not compose: {error}") from None


def _resolved(composed: DictConfig) -> dict:
    return OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)


def resolved_yaml(model: Model) -> str:
    """A model as the YAML that DVC tracks: every key, defaults included."""
    return OmegaConf.to_yaml(OmegaConf.create(model.model_dump(mode="json")))
