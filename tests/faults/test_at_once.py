"""Several ``dvc repro`` and ``make reproduce`` at once: one does the work, the others are told."""

import itertools
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from repository_copy import ONE_THREAD, environment, run
from tiny_repository import EXPERIMENTS, copy_and_shrink, time_only_xs

PROPOSALS = "proposals@mini-selective_search"
# What DVC says of the repository's lock, and of that of a stage's files.
TOLD = re.compile(r"Unable to acquire lock\. Most likely another DVC process|is busy, it is being")
# What holds no seconds, and belongs to the one experiment that is run here.
SAME = (
    "data/mini/**/*.*",
    "artefacts/mini/proposals/**/*.*",
    "artefacts/backbone/*.safetensors",
    "artefacts/mini/*/XS-default-0/*.safetensors",
    "artefacts/mini/*/XS-default-0/*.parquet",
    "artefacts/mini/*/XS-default-0/*.csv",
    "artefacts/mini/*/XS-default-0/score.json",
)


@pytest.fixture
def repo(tmp_path):
    """One tiny experiment to run, with the timing of the smallest network alone."""
    root = tmp_path / "repo"
    copy_and_shrink(root)
    for experiment in EXPERIMENTS[1:]:
        (root / f"conf/experiment/{experiment}.yaml").unlink()
    time_only_xs(root)
    # The first run makes cells.yaml, says so and ends.
    run(root, "dvc", "repro", "configs@mini", check=False)
    return root


def start(repo: Path, *arguments: str, output: int | IO = subprocess.PIPE) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=repo,
        env=environment(repo) | ONE_THREAD,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
    )


def assert_done_or_told(process: subprocess.Popen) -> bool:
    """Whether it did its work; if not, one message says that another is at it."""
    said, _ = process.communicate()
    assert "Traceback" not in said
    if process.returncode:
        assert len(re.findall("^(?:ERROR|error): ", said, re.MULTILINE)) == 1, said
        assert TOLD.search(said), said
    return process.returncode == 0


def results(repo: Path, patterns: tuple[str, ...]) -> dict[str, bytes]:
    paths = [path for pattern in patterns for path in repo.glob(pattern) if path.is_file()]
    return {str(path.relative_to(repo)): path.read_bytes() for path in paths}


def test_two_repros(repo, tiny_repository):
    rivals = [start(repo, "dvc", "repro", PROPOSALS) for _ in range(2)]
    done = [assert_done_or_told(rival) for rival in rivals]
    assert any(done)
    expected = results(tiny_repository, SAME[:2])
    assert len(expected) > 50
    assert results(repo, SAME[:2]) == expected
    assert "Running stage" not in run(repo, "dvc", "repro", "--dry", PROPOSALS).stdout


@pytest.mark.slow
def test_reproduce_wins_over_those_that_come_later(repo, tiny_repository, tmp_path):
    rng = np.random.default_rng(0)
    # To a file: it prints more than a pipe holds, and nobody reads that while it runs.
    log = tmp_path / "log.txt"
    with log.open("w") as output:
        first = start(repo, "pipelines.reproduce", output=output)
    while not (repo / "dvc.lock").exists():  # until a stage of it is done
        assert first.poll() is None, log.read_text()
        time.sleep(0.1)
    rivals = itertools.cycle([["dvc", "repro"], ["pipelines.reproduce"]])
    told = set()
    while first.poll() is None:
        rival = next(rivals)
        time.sleep(rng.uniform(0, 3))
        process = start(repo, *rival)
        if rival == ["dvc", "repro"]:
            if not assert_done_or_told(process):
                told.add("dvc")
        else:
            said, _ = process.communicate()
            if process.returncode:
                assert process.returncode == 2
                assert said.startswith("error: artefacts/reproduce.lock is held"), said
                assert "Traceback" not in said
                told.add("reproduce")
    assert first.returncode == 0, log.read_text()
    assert told == {"dvc", "reproduce"}
    found = results(repo, SAME)
    expected = results(tiny_repository, SAME)
    assert len(found) > 60
    assert found == expected
    assert "Running stage" not in run(repo, "dvc", "repro", "--dry").stdout
