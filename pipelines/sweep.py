"""Many runs at a time: one job for each cell and seed, on Hydra's launchers (docs/sweeps.md).

``python -m pipelines.sweep cell=XS-default,XS-svd hydra/launcher=joblib`` runs what is out of date
and leaves it in DVC's cache, so that ``dvc repro`` finds it done.
"""

import sys
from datetime import datetime
from pathlib import Path

import hydra
import yaml
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from frcn.config import load
from frcn.errors import UserError
from pipelines.cells import FILE, PARAMS, Params, cells_of, wanted_text
from pipelines.reproduce import interrupt_on_terminate, only_one, run_dvc
from pipelines.stage import exit_cleanly
from pipelines.sweep_job import failures, sweep_job

# Outside all outs; a folder for each sweep, and in it one for each job.
FOLDER = Path("multirun")


class SharedStages(Callback):
    """Before the jobs start: the stages that all of them need."""

    def on_multirun_start(self, config: DictConfig, **_: object) -> None:
        # Hydra makes a warning of what a callback raises, unless it is SystemExit.
        exit_cleanly(lambda: _run_shared_stages(config.profile))


def _run_shared_stages(profile: str) -> None:
    plan = _plan()
    stages = [f"configs@{profile}", f"fetch@{profile}"]
    stages += [f"proposals@{name}" for name in plan["proposals"]]
    stages += [f"backbone@{name}" for name in plan["backbones"]]
    stages += [f"published@{name}" for name in plan["published"]]
    if run_dvc(["repro", *stages], profile):
        raise UserError("a stage that all jobs need failed; its message is above")


def _plan() -> dict:
    return yaml.safe_load(FILE.read_text())


def asked(argument: str, default: list[str]) -> list[str]:
    """The values that the command line gives an argument that is needed before Hydra starts.

    ``default`` are those without it, among which a glob chooses.

    Raises:
        UserError: they can't be read as Hydra's.
    """
    given = [text for text in sys.argv[1:] if text.startswith(f"{argument}=")]
    try:
        for override in OverridesParser.create().parse_overrides(given):
            if isinstance(override.value(), Glob):
                return override.value().filter(default)
            if override.is_sweep_override():
                return list(override.sweep_string_iterator())
            return [override.get_value_element_as_str()]
    except HydraException as error:
        raise UserError(f"{given[0]}: {error}") from None
    return default


def seeds_of_asked_cells(profile: str) -> set[str]:
    """The seeds that the plan has of each cell asked for: of few, those for the noise too."""
    seeds_of: dict[str, set[str]] = {}
    for run in yaml.safe_load(wanted_text(profile))["detect"].values():
        seeds_of.setdefault(run["cell"], set()).add(str(run["seed"]))
    # Hydra refuses a cell that there is not.
    known = [seeds_of[cell] for cell in asked("cell", [*seeds_of]) if cell in seeds_of]
    return set.intersection(*known) if known else set()


def register(profile: str, seeds: list[str], folder: str) -> None:
    """Tell Hydra the app's config: its group ``cell`` has what cells.yaml says.

    Without arguments a sweep takes all cells and seeds.
    """
    store = ConfigStore.instance()
    cells = sorted({run["cell"] for run in _plan()["detect"].values()})
    for cell in cells:
        store.store(group="cell", name=cell, package="_global_", node={"cell": cell})
    config = {
        "defaults": ["_self_", {"cell": cells[0]}, {"override hydra/job_logging": "none"}],
        "profile": profile,
        "seed": int(seeds[0]),
        "hydra": {
            "mode": "MULTIRUN",
            "output_subdir": None,
            "sweep": {"dir": folder, "subdir": "${cell}-${seed}"},
            "sweeper": {"params": {"cell": "glob(*)", "seed": ",".join(seeds)}},
            "callbacks": {"shared_stages": {"_target_": "pipelines.sweep.SharedStages"}},
        },
    }
    store.store(name="sweep", node=config)


def main() -> None:
    params = load(Params, PARAMS)
    profile, *more = asked("profile", params.profile[:1])
    if more:
        raise UserError(f"profile {profile} and {', '.join(more)}: sweep one after the other")
    seeds = [str(seed) for seed in params.seeds]
    known = {*seeds, *seeds_of_asked_cells(profile)}
    for seed in asked("seed", seeds):
        if seed not in known:
            raise UserError(f"seed {seed}: {PARAMS} has seeds {params.seeds}; add it there")
    # Absolute, for workers with another current folder.
    usual = FOLDER.resolve() / f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
    (folder,) = asked("hydra.sweep.dir", [str(usual)])
    if Path(folder).exists():
        raise UserError(f"{folder}: exists; a sweep keeps its outcomes in a folder of its own")
    interrupt_on_terminate()
    with only_one(), cells_of(profile):
        register(profile, seeds, folder)
        try:
            hydra.main(version_base="1.3", config_path=None, config_name="sweep")(sweep_job)()
        finally:
            # Also when a launcher gave up because a worker died.
            failed = failures(Path(folder))
            if failed:
                print(f"{len(failed)} failed:", *failed, sep="\n", file=sys.stderr)
    sys.exit(bool(failed))


if __name__ == "__main__":
    exit_cleanly(main)
