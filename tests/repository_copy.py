"""A copy of the repository to change, and Python run in it with the copy's own code."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

REPO = Path(__file__).parents[1]
PARTS = (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "dvc.yaml", "params.yaml")
TREES = ("benchmarks", "conf", "hydra_plugins", "pipelines", "src")
# Python and Numba take what they compiled here for the copy's, as size and time of its source are
# the same; other tests may be writing it. Numba does not see that a callee elsewhere has changed.
UNFINISHED = shutil.ignore_patterns("*.pyc.*", "*.tmp.*")
NOISE_SEEDS = re.compile(r"^  noise_seeds: .*\n", re.MULTILINE)
# Sums depend on the number of threads: runs that are compared to the byte take one each.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}


def copy_repository(root: Path, experiments: Collection[str]) -> None:
    """Copy what stages need to ``root``, with a few experiments, which keep DVC quick.

    A profile runs each cell once, also the one whose further runs tell the noise of training.
    """
    for part in PARTS:
        (root / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPO / part, root / part)
    for tree in TREES:
        shutil.copytree(REPO / tree, root / tree, ignore=UNFINISHED)
    for experiment in (root / "conf/experiment").glob("*.yaml"):
        if experiment.stem not in experiments:
            experiment.unlink()
    for profile in (root / "conf/profile").glob("*.yaml"):
        profile.write_text(NOISE_SEEDS.sub("", profile.read_text()))
    (root / "params.yaml").write_text("profile: [mini]\nseeds: [0]\n")
    subprocess.run(["git", "init", "-q", str(root)], check=True)


def environment(repo: Path) -> dict[str, str]:
    """Variables with which Python runs a copy's code, with the tests' helpers at hand."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = os.environ | {
        "PATH": path,
        "PYTHONPATH": os.pathsep.join([str(repo / "src"), str(repo), str(REPO / "tests")]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    variables.pop("MLFLOW_TRACKING_URI", None)
    return variables


def run(repo: Path, *arguments: str, check: bool = True, **variables: str):
    """Run a module in a copy of the repository, with that copy's code and the tests' helpers."""
    result = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=repo,
        env=environment(repo) | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not check or result.returncode == 0, result.stdout + result.stderr
    return result


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that the file must have."""
    text = path.read_text()
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new))
