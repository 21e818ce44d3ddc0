"""Stages ``networks`` and ``configs``: the resolved YAML files that the other stages track."""

import os
import shutil
from pathlib import Path

from frcn.artefacts import write_text
from frcn.errors import UserError
from pipelines import cells
from pipelines.compose import (
    compose_cells,
    compose_network,
    compose_profile,
    names,
    proposal_lists,
    resolved_yaml,
)
from pipelines.stage import run

# Set by pipelines/reproduce.py while cells.yaml speaks of another profile than params.yaml.
PROFILE_VARIABLE = "FRCN_PROFILE"


def configs(profile: str, out: Path) -> None:
    """Write a profile's resolved configs, or with ``networks`` those of all networks."""
    if profile == "networks":
        texts = {name: resolved_yaml(compose_network(name)) for name in names("network")}
    else:
        check_cells()
        texts = {"profile": resolved_yaml(compose_profile(profile))}
        composed = compose_cells(profile)
        texts |= {name: resolved_yaml(cell) for name, cell in composed.items()}
        for name, proposals in proposal_lists(composed).items():
            texts[f"proposals/{name}"] = resolved_yaml(proposals)
    shutil.rmtree(out, ignore_errors=True)
    for name, text in texts.items():
        write_text(out / f"{name}.yaml", text)


def check_cells() -> None:
    """Assert that cells.yaml, which DVC has read already, is what params.yaml and conf/ want.

    Raises:
        UserError: it was not; it is now.
    """
    if cells.write_if_changed(cells.wanted_text(os.environ.get(PROFILE_VARIABLE))):
        raise UserError(f"{cells.FILE} was out of date and is updated; run `dvc repro` again")


if __name__ == "__main__":
    run(configs, profile=str, out=Path)
