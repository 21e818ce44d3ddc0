"""``kill -9`` at random moments of all stages up to the score: the same results as without."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from repository_copy import environment, run
from tiny_repository import EXPERIMENTS, copy_and_shrink

# Sums depend on the number of threads; the results to compare with were made with one.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
KILLS = 20
FEWEST_KILLS = 3
ATTEMPTS = 3
SECONDS = (2.0, 9.0)
"""A kill comes so long after the start: DVC looks at the graph for some two seconds. A fast machine
is done before all of them."""
SCORES = [f"score@mini-XS-{experiment}-0" for experiment in EXPERIMENTS]
# What holds no seconds.
SAME = ("*.safetensors", "*.npy", "loss.csv", "detections.parquet", "score.json", "curves.csv")


def outs(repo: Path) -> dict[str, bytes]:
    """The content of all results without seconds in them."""
    folders = [repo / "artefacts" / name for name in ("mini", "backbone")]
    paths = [path for folder in folders for name in SAME for path in folder.rglob(name)]
    return {str(path.relative_to(repo)): path.read_bytes() for path in paths}


@pytest.mark.slow
def test_results_are_those_of_a_run_that_nobody_killed(tiny_repository, tmp_path):
    repo = tmp_path / "repo"
    copy_and_shrink(repo)
    rng = np.random.default_rng(0)
    command = [sys.executable, "-m", "dvc", "repro", *SCORES]
    # The first run makes cells.yaml, says so and ends.
    run(repo, *command[2:], check=False, **ONE_THREAD)
    killed = 0
    for seconds in rng.uniform(*SECONDS, KILLS):
        process = subprocess.Popen(
            command,
            cwd=repo,
            env=environment(repo) | ONE_THREAD,
            process_group=0,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            if process.wait(seconds) == 0:
                break  # nothing is left to do
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            killed += 1
    assert killed >= FEWEST_KILLS
    # DVC may refuse a run as long as it sees the lock of one that was killed a moment ago.
    attempts = (run(repo, *command[2:], check=False, **ONE_THREAD) for _ in range(ATTEMPTS))
    assert any(attempt.returncode == 0 for attempt in attempts)
    expected = outs(tiny_repository)
    assert len(expected) > 10
    assert outs(repo) == expected
    assert "Running stage" not in run(repo, "dvc", "repro", "--dry", *SCORES).stdout
