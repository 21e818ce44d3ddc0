"""Each long stage killed at a known place, as a process of its own, and run again: the same files.

Where a stage goes on from what was kept, its progress says so; the others start anew.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from repository_copy import ONE_THREAD, environment, run
from tiny_repository import copy_and_shrink, run_stages, update

pytestmark = pytest.mark.slow
SYSTEMS = ("rcnn", "spp_net", "svm")
# Long enough that a kill comes before the end, with checkpoints within a second. Box regressors
# take their time, so there are few classes; objects of others are skipped.
LONGER = {
    "data": {
        "source": {"images": {"trainval": 10, "extra": 6, "test": 60}},
        "classes": ["fish", "tree"],
        "on_invalid": "skip",
    },
    "train": {"solver": {"iterations": 120, "step_size": 100, "checkpoint_every": 2}},
    "score": {"similar_classes": []},
    "recipe": {"rcnn": {"iterations": 6}, "spp_net": {"step_size": 4, "iterations": 6}},
}
PATIENCE = 60
FETCH = ("pipelines.fetch", "--config", "configs/mini/profile.yaml", "--out", "data/mini")
PROPOSALS = (
    *("pipelines.proposals", "--config", "configs/mini/proposals/selective_search.yaml"),
    *("--out", "artefacts/mini/proposals/selective_search"),
    *("--recall", "artefacts/mini/recall/selective_search.csv"),
)
BACKBONE = (
    *("pipelines.backbone", "--config", "configs/networks/XS.yaml", "--pooling", "grid"),
    *("--out", "artefacts/backbone/XS-grid.safetensors"),
)
DETECT = (
    *("pipelines.detect", "--config", "configs/mini/XS-default.yaml"),
    *("--weights", "artefacts/mini/train/XS-default-0/weights.safetensors"),
    *("--out", "artefacts/mini/detect/XS-default-0"),
)
TIMING = ("pipelines.timing", "--config", "configs/networks/XS.yaml", "--out", "timing/XS.json")
REPORT = (
    *("pipelines.report", "--profile=mini", "--seeds=0", "--noise=", "--repeated="),
    "--out=results/mini",
)
PARENTS = {
    "default": "artefacts/backbone/XS-grid.safetensors",
    "rcnn": "artefacts/backbone/XS-grid.safetensors",
    "spp_net": "artefacts/backbone/XS-pyramid.safetensors",
    "svm": "artefacts/mini/train/XS-default-0/weights.safetensors",
}
# What holds no seconds.
SAME = ("weights.safetensors", "loss.csv")


def training(experiment: str) -> tuple[str, ...]:
    return (
        *("pipelines.train", "--config", f"configs/mini/XS-{experiment}.yaml", "--seed", "0"),
        *("--parent", PARENTS[experiment], "--out", f"artefacts/mini/train/XS-{experiment}-0"),
    )


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """A tiny repository whose stages ran without a break."""
    root = tmp_path_factory.mktemp("unbroken") / "repo"
    copy_and_shrink(root, ("default", *SYSTEMS))
    update(root / "conf/profile/mini.yaml", LONGER)
    run_stages(root, ("default",))
    for experiment in SYSTEMS:
        again(root, training(experiment))
    return root


@pytest.fixture
def repo(unbroken, tmp_path):
    """A copy of it to break."""
    return Path(shutil.copytree(unbroken, tmp_path / "repo"))


def interrupt(
    repo: Path,
    stage: tuple[str, ...],
    moment: Callable[[str], bool],
    number: signal.Signals = signal.SIGKILL,
) -> str:
    """Start a stage and send it a signal when ``moment`` has come; returns what it said.

    ``moment`` gets what was said so far. No process may be left.
    """
    messages = repo / "messages.txt"
    with messages.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *stage],
            cwd=repo,
            env=environment(repo) | ONE_THREAD,
            process_group=0,
            stdout=file,
            stderr=file,
        )
        while not moment(messages.read_text()):
            assert process.poll() is None, messages.read_text()
            time.sleep(0.002)
        process.send_signal(number)
        code = process.wait(PATIENCE)
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 128 + number)
    assert all_gone(process.pid), "processes are left"
    return messages.read_text()


def all_gone(group: int) -> bool:
    """Whether the processes of a group end, as workers do soon after who started them."""
    end = time.monotonic() + PATIENCE
    while any(alive_in(group)):
        if time.monotonic() > end:
            os.killpg(group, signal.SIGKILL)
            return False
        time.sleep(0.05)
    return True


def alive_in(group: int) -> Iterator[int]:
    """The processes of a group, without those that have ended and wait for their parent."""
    for process in psutil.process_iter(["status"]):
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                yield process.pid


def again(repo: Path, stage: tuple[str, ...]) -> str:
    """Run a stage to its end; returns its progress."""
    return run(repo, *stage, **ONE_THREAD).stderr


def start_of(progress: str, what: str) -> tuple[int, int]:
    """Where a bar began, and of how much."""
    done, total = re.search(rf"{re.escape(what)}:[^|]*\|[^|]*\| (\d+)/(\d+)", progress).groups()
    return int(done), int(total)


def says(text: str) -> Callable[[str], bool]:
    return lambda said: text in said


def contents(folder: Path, *names: str) -> dict[str, bytes]:
    """The bytes of the files of a folder, or of those with some names."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in files
        if not names or path.name in names
    }


def test_fetch_starts_anew_and_leaves_nothing_half_made(repo, unbroken):
    shutil.rmtree(repo / "data")
    interrupt(repo, FETCH, lambda _: any((repo / "data").glob(".mini.partial/**/*.jpg")))
    assert not (repo / "data/mini").exists()
    again(repo, FETCH)
    assert contents(repo / "data") == contents(unbroken / "data")


def test_proposals_of_parallel_workers_go_on(repo, unbroken):
    for folder in ("cache/proposals", "mini/proposals", "mini/recall"):
        shutil.rmtree(repo / "artefacts" / folder)
    cache = repo / "artefacts/cache/proposals"
    interrupt(repo, PROPOSALS, lambda _: len(list(cache.rglob("[!.]*.boxes"))) >= 3)
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("[!.]*.boxes")}
    done, total = start_of(again(repo, PROPOSALS), "selective_search trainval")
    assert done == min(len(kept), total) > 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    for folder in ("proposals/selective_search", "recall"):
        made, expected = (root / "artefacts/mini" / folder for root in (repo, unbroken))
        assert contents(made) == contents(expected)


@pytest.mark.parametrize("moment", ["pre-training images", "pre-train XS"])
def test_backbone_starts_anew(repo, unbroken, moment):
    out = repo / "artefacts/backbone"
    for path in out.glob("XS-grid.*"):
        path.unlink()
    interrupt(repo, BACKBONE, says(f"{moment}:"))
    assert not list(out.glob("XS-grid.*"))
    again(repo, BACKBONE)
    weights = "XS-grid.safetensors"
    assert contents(out, weights) == contents(unbroken / "artefacts/backbone", weights)


def train_to_the_end(repo: Path, unbroken: Path, experiment: str) -> str:
    """Train on; returns the progress. The files are as those that no signal delayed."""
    progress = again(repo, training(experiment))
    run_name = f"artefacts/mini/train/XS-{experiment}-0"
    expected = contents(unbroken / run_name, *SAME)
    assert contents(repo / run_name, *SAME) == expected and expected
    assert not contents(repo / "artefacts/resume")
    return progress


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_sgd_goes_on(repo, unbroken, number):
    shutil.rmtree(repo / "artefacts/mini/train/XS-default-0")
    state = repo / "artefacts/resume/mini/XS-default-0.safetensors"
    said = interrupt(repo, training("default"), lambda _: state.exists(), number)
    assert not (repo / "artefacts/mini/train/XS-default-0").exists()
    if number == signal.SIGINT:
        assert said.endswith("interrupted\n")
        assert "Traceback" not in said
    done, total = start_of(train_to_the_end(repo, unbroken, "default"), "train default")
    assert 0 < done < total


@pytest.mark.parametrize("experiment", ["rcnn", "spp_net"])
def test_each_step_of_rcnn_and_spp_net_goes_on(repo, unbroken, experiment):
    shutil.rmtree(repo / f"artefacts/mini/train/XS-{experiment}-0")
    folder = repo / f"artefacts/resume/mini/XS-{experiment}-0"

    def features_begun(_: str) -> bool:
        return any(path.stat().st_size for path in folder.glob("features-*/index.bin"))

    moments = {
        "features": features_begun,
        "fine-tuning": lambda _: (folder / "fine_tuning.safetensors").exists(),
        "SVMs": says("mine hard negatives:"),
        "box regressors": says("box regressors:"),
    }
    if experiment == "rcnn":  # whose features come from the fine-tuned network
        moments["features"], moments["fine-tuning"] = moments["fine-tuning"], features_begun
    features, sgd = f"features {experiment}", f"train {experiment}"
    starts = []
    for moment in moments.values():
        starts.append(interrupt(repo, training(experiment), moment))
    first, second = (sgd, features) if experiment == "rcnn" else (features, sgd)
    assert start_of(starts[0], first)[0] == 0
    done, total = start_of(starts[1], first)
    assert 0 < done < total
    done, total = start_of(starts[2], second)
    assert 0 < done < total
    last = train_to_the_end(repo, unbroken, experiment)
    for progress in (starts[3], last):
        for what in (first, second):
            done, total = start_of(progress, what)
            assert done == total


def test_svms_of_fast_rcnn_start_anew(repo, unbroken):
    shutil.rmtree(repo / "artefacts/mini/train/XS-svm-0")
    interrupt(repo, training("svm"), says("mine hard negatives:"))
    assert not (repo / "artefacts/mini/train/XS-svm-0").exists()
    assert start_of(train_to_the_end(repo, unbroken, "svm"), "mine hard negatives")[0] == 0


def test_detect_goes_on(repo, unbroken):
    out = Path("artefacts/mini/detect/XS-default-0")
    shutil.rmtree(repo / out)
    kept = repo / "artefacts/resume/mini/detect-XS-default-0"
    interrupt(repo, DETECT, lambda _: any(kept.rglob("[!.]*.part")))
    assert not (repo / out).exists()
    done, total = start_of(again(repo, DETECT), "detect default")
    assert 0 < done < total
    name = "detections.parquet"
    assert contents(repo / out, name) == contents(unbroken / out, name)
    assert not contents(repo / "artefacts/resume")


def test_timing_starts_anew_and_keeps_the_old_file(repo):
    old = repo / "timing/XS.json"
    old.parent.mkdir()
    old.write_text("old")
    interrupt(repo, TIMING, says("timing XS:"))
    assert contents(old.parent) == {"XS.json": b"old"}


def test_report_starts_anew(repo, unbroken):
    expected = contents(unbroken / "results/mini")
    shutil.rmtree(repo / "results/mini")
    interrupt(repo, REPORT, lambda _: any((repo / "results/mini").rglob("*.csv")))
    assert set(contents(repo / "results/mini")) != set(expected)
    again(repo, REPORT)
    assert contents(repo / "results/mini") == expected
