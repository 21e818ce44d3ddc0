"""``kill -9`` at random moments of all stages: the same results as without."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from repository_copy import ONE_THREAD, environment, run
from tiny_repository import copy_and_shrink, time_only_xs

STAGES = {
    "networks": 2.0,
    "configs": 2.0,
    "fetch": 2.0,
    "proposals": 4.0,
    "backbone": 6.0,
    "timing": 6.0,
    "train": 6.0,
    "detect": 6.0,
    "score": 2.0,
    "report": 6.0,
}
"""Each stage, and within how many seconds of its beginning a kill comes."""
RANDOM_KILLS = 2
"""Of each stage, after one as soon as it begins."""
ATTEMPTS = 3
"""DVC may refuse a run as long as it sees the lock of one that was killed a moment ago."""
REPRO = ("dvc", "repro", "report@mini")
BEGINNING = re.compile("Running stage '([a-z]+)")
# What holds no seconds.
SAME = ("*.safetensors", "*.npy", "loss.csv", "detections.parquet", "score.json", "curves.csv")


def outs(repo: Path) -> dict[str, bytes]:
    """The content of all results without seconds in them."""
    folders = [repo / "artefacts" / name for name in ("mini", "backbone")]
    paths = [path for folder in folders for name in SAME for path in folder.rglob(name)]
    return {str(path.relative_to(repo)): path.read_bytes() for path in paths}


def killed_in(repo: Path, stages: list[str], seconds: float) -> str | None:
    """Run everything and kill it so long after the first of some stages began.

    Returns the stage that the kill met, which may be a later one; None where all ended before.
    """
    for _ in range(ATTEMPTS):
        code, begun = kill_after_beginning(repo, stages, seconds)
        if code in (0, -signal.SIGKILL):
            break
    return begun[-1] if code == -signal.SIGKILL else None


def kill_after_beginning(repo: Path, stages: list[str], seconds: float) -> tuple[int, list[str]]:
    """The exit code of ``dvc repro``, and the stages that it began."""
    process = subprocess.Popen(
        [sys.executable, "-m", *REPRO],
        cwd=repo,
        env=environment(repo) | ONE_THREAD | {"PYTHONUNBUFFERED": "1"},
        process_group=0,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    begun: list[str] = []
    with process:
        for line in process.stdout:
            begun += BEGINNING.findall(line)
            if begun and begun[-1] in stages:
                time.sleep(seconds)
                os.killpg(process.pid, signal.SIGKILL)
                break
        begun += BEGINNING.findall(process.stdout.read())
    return process.returncode, begun


@pytest.mark.slow
def test_results_are_those_of_a_run_that_nobody_killed(tiny_repository, tmp_path):
    repo = tmp_path / "repo"
    copy_and_shrink(repo)
    time_only_xs(repo)
    rng = np.random.default_rng(0)
    # The first run makes cells.yaml, says so and ends; `networks` is left to be killed.
    run(repo, "dvc", "repro", "configs@mini", check=False, **ONE_THREAD)
    met = []
    for i, most in enumerate(STAGES.values()):
        for seconds in (0, *rng.uniform(0, most, RANDOM_KILLS)):
            met.append(killed_in(repo, [*STAGES][i:], seconds))
    assert set(STAGES) <= set(met)
    assert sum(stage is not None for stage in met) >= 20
    attempts = (run(repo, *REPRO, check=False, **ONE_THREAD) for _ in range(ATTEMPTS))
    assert any(attempt.returncode == 0 for attempt in attempts)
    expected = outs(tiny_repository)
    assert len(expected) > 10
    assert outs(repo) == expected
    assert (repo / "results/mini/report.html").exists()
    assert "Running stage" not in run(repo, "dvc", "repro", "--dry", "report@mini").stdout
