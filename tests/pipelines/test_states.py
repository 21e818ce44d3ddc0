"""States of stages in a tiny DVC repository, of cells, and the list of a profile never run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from frcn.errors import UserError
from pipelines.cells import cells_text
from pipelines.states import cell_state, stage_states

REPO = Path(__file__).parents[2]
GRAPH = """
stages:
  first:
    cmd: cp input first.out
    deps: [input]
    outs: [first.out]
  second:
    cmd: cp first.out second.out
    deps: [first.out]
    outs: [second.out]
  alone:
    cmd: cp other alone.out
    deps: [other]
    outs: [alone.out]
  never:
    cmd: cp alone.out never.out
    deps: [alone.out]
    outs: [never.out]
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Three stages that ran, and one that did not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").write_text(GRAPH)
    for name in ("input", "other"):
        (tmp_path / name).write_text(name)
    for arguments in (["init", "--no-scm", "-q"], ["repro", "-q", "second", "alone"]):
        subprocess.run([sys.executable, "-m", "dvc", *arguments], check=True)
    return tmp_path


def test_states_of_stages(tiny):
    ran = {"first": "fresh", "second": "fresh", "alone": "fresh", "never": "never run"}
    states = stage_states()
    assert states == ran
    assert list(states).index("first") < list(states).index("second")
    (tiny / "input").write_text("edited")
    # `dvc status` lists the first only: what it made is as it was.
    assert stage_states() == ran | {"first": "stale", "second": "stale"}


def test_graph_that_dvc_cannot_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="dvc status"):
        stage_states()


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["never run", "never run"], "never run"),
        (["fresh", "fresh"], "fresh"),
        (["fresh", "stale"], "stale"),
        (["fresh", "never run"], "fresh, 1 of 2 seeds"),
        (["stale", "never run"], "stale, 1 of 2 seeds"),
    ],
)
def test_state_of_a_cell(states, expected):
    by_stage = {f"score@p-XS-e-{seed}": state for seed, state in enumerate(states)}
    others = {"score@p-XS-e_1-0": "stale", "score@p-XS-e-f-0": "stale", "detect@p-XS-e-0": "stale"}
    assert cell_state(by_stage | others, "p-XS-e") == expected


def clean_copy(to: Path, *experiments: str) -> Path:
    """A fresh clone with a few experiments: no data, configs or artefacts."""
    (to / ".dvc").mkdir()
    (to / ".dvc/config").write_text("[core]\n    analytics = false\n    no_scm = true\n")
    for name in ("src", "benchmarks"):
        (to / name).symlink_to(REPO / name)
    shutil.copytree(REPO / "conf", to / "conf")
    for path in (to / "conf/experiment").glob("*.yaml"):
        if path.stem not in experiments:
            path.unlink()
    (to / "dvc.yaml").write_text((REPO / "dvc.yaml").read_text())
    (to / "params.yaml").write_text("profile: [mini]\nseeds: [0]\n")
    (to / "pipelines").mkdir()
    for path in (REPO / "pipelines").glob("*.py"):
        shutil.copy(path, to / "pipelines")
    (to / "pipelines/cells.yaml").write_text(cells_text(["mini"], [0], to / "conf"))
    return to


def frcn(repository: Path, *arguments: str) -> str:
    """What a command prints in a copy of the repository."""
    result = subprocess.run(
        [sys.executable, "-m", "frcn.cli", *arguments],
        cwd=repository,
        env=os.environ | {"PYTHONPATH": str(REPO / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_profile_is_listed_without_any_artefact(tmp_path):
    # Composing all that voc07 has takes a minute, and test_every_config.py does it.
    repository = clean_copy(tmp_path, "default", "spp_net", "proposals_1k")
    before = (repository / "pipelines/cells.yaml").read_bytes()
    lines = frcn(repository, "list", "--profile", "voc07").splitlines()
    rows = {line.split()[1]: line for line in lines[1:]}
    assert rows["L-default"].split() == ["voc07", "L-default", "66.9", "–", "never", "run"]
    assert rows["L-spp_net"].split()[2] == "63.1"
    assert rows["M-proposals_1k"].split()[2] == "–"
    assert all(line.endswith("never run") for line in rows.values())
    assert (repository / "pipelines/cells.yaml").read_bytes() == before
