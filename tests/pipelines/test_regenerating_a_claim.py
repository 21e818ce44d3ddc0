"""The command that a claim of claims.csv gives, run where all but a few runs are missing."""

import re
import shlex
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from repository_copy import REPO, run

LAYERS = "Fine-tuning the conv layers helps"


@pytest.fixture
def claims(tiny_repository) -> pd.DataFrame:
    return pd.read_csv(tiny_repository / "results/mini/claims.csv").set_index("claim")


def test_it_judges_the_claim_anew_and_nothing_that_it_does_not_need(
    tiny_repository, claims, tmp_path
):
    copy = Path(shutil.copytree(tiny_repository, tmp_path / "copy"))
    for gone in ("results", "artefacts/mini/score/XS-svd-0", "artefacts/timing"):
        shutil.rmtree(copy / gone, ignore_errors=True)
    done = run(copy, "pipelines.reproduce", *arguments(claims.loc[LAYERS, "command"]))
    again = pd.read_csv(copy / "results/mini/claims.csv").set_index("claim")
    effect = ["ours", "low", "high", "verdict"]
    assert again.loc[LAYERS, effect].tolist() == claims.loc[LAYERS, effect].tolist()
    assert again.loc["Truncated SVD costs less than one point", "verdict"] == "not run"
    # A view of part of a profile would hide the rest of it.
    assert "Report: results/mini/report.html" in done.stdout and "MLflow:" not in done.stdout


def test_every_stage_of_a_command_is_in_the_graph(tiny_repository, claims):
    cells = yaml.safe_load((tiny_repository / "pipelines/cells.yaml").read_text())
    timed = yaml.safe_load((REPO / "dvc.yaml").read_text())["stages"]["timing"]["foreach"]
    stages = {f"score@{key}" for key in cells["detect"]} | {f"timing@{name}" for name in timed}
    stages |= {f"fetch@{profile}" for profile in cells["profiles"]}
    commands = {part for line in claims["command"].dropna() for part in line.split(" && ")}
    made = {command for command in commands if command.startswith("make ")}
    assert len(made) > 4
    for command in made:
        assert set(arguments(command)[2:]) <= stages
    (benchmark,) = commands - made
    python, script, option, profile = shlex.split(benchmark)
    assert (python, option, profile) == (".venv/bin/python", "--profile", "mini")
    assert (REPO / script).exists()


def test_make_passes_the_stages_on():
    assert re.search(r"pipelines\.reproduce .*\$\(ONLY\)\n", (REPO / "Makefile").read_text())


def arguments(command: str) -> list[str]:
    """What make's recipe gives to pipelines.reproduce for ``make reproduce PROFILE=… ONLY=…``."""
    make, target, profile, only = shlex.split(command)
    assert (make, target) == ("make", "reproduce")
    return ["--profile", profile.removeprefix("PROFILE="), *only.removeprefix("ONLY=").split()]
