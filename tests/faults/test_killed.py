"""``kill -9`` at random moments of all stages up to the score: the same results as without."""

import os
import shutil
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
RUNS = 60
"""At most: some end before their kill, and all begins anew; some find the lock of a killed one."""
ATTEMPTS = 3
SECONDS = (2.0, 9.0)
"""A kill comes so long after the start: DVC looks at the graph for some two seconds."""
SCORES = [f"score@mini-XS-{experiment}-0" for experiment in EXPERIMENTS]
REPRO = ("dvc", "repro", *SCORES)
# What holds no seconds.
SAME = ("*.safetensors", "*.npy", "loss.csv", "detections.parquet", "score.json", "curves.csv")


def outs(repo: Path) -> dict[str, bytes]:
    """The content of all results without seconds in them."""
    folders = [repo / "artefacts" / name for name in ("mini", "backbone")]
    paths = [path for folder in folders for name in SAME for path in folder.rglob(name)]
    return {str(path.relative_to(repo)): path.read_bytes() for path in paths}


def killed_after(repo: Path, seconds: float) -> int | None:
    """Run the stages and kill them after so long; the exit code, None of one that was killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", *REPRO],
        cwd=repo,
        env=environment(repo) | ONE_THREAD,
        process_group=0,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def forget_everything(repo: Path) -> None:
    """Back to before the first stage."""
    for name in ("artefacts", "configs", "data", ".dvc/cache"):
        shutil.rmtree(repo / name)
    (repo / "dvc.lock").unlink()


@pytest.mark.slow
def test_results_are_those_of_a_run_that_nobody_killed(tiny_repository, tmp_path):
    repo = tmp_path / "repo"
    copy_and_shrink(repo)
    rng = np.random.default_rng(0)
    # The first run makes cells.yaml, says so and ends.
    run(repo, *REPRO, check=False, **ONE_THREAD)
    expected = outs(tiny_repository)
    assert len(expected) > 10
    killed = 0
    for seconds in rng.uniform(*SECONDS, RUNS):
        code = killed_after(repo, seconds)
        killed += code is None
        if killed == KILLS:
            break
        if code == 0:
            assert outs(repo) == expected
            forget_everything(repo)
    assert killed == KILLS
    # DVC may refuse a run as long as it sees the lock of one that was killed a moment ago.
    attempts = (run(repo, *REPRO, check=False, **ONE_THREAD) for _ in range(ATTEMPTS))
    assert any(attempt.returncode == 0 for attempt in attempts)
    assert outs(repo) == expected
    assert "Running stage" not in run(repo, "dvc", "repro", "--dry", *SCORES).stdout
