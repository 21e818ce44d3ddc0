"""Whole stages on a disk that is full or only to be read: old results stay, and one line says why.

The disk is a tmpfs, which runs full as any disk does.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from small_disk import PAGE, small_disk

from repository_copy import REPO
from tiny_repository import copy_tiny_repository

RUN = "XS-default-0"
FOLDERS = {
    "train": f"artefacts/mini/train/{RUN}",
    "detect": f"artefacts/mini/detect/{RUN}",
    "report": "results/mini",
}
FIRST = {"train": "weights.safetensors", "detect": "detections.parquet", "report": "cells.csv"}
WITH_SECONDS = ("train.json", "detect.json")
SPACE = 16 * 2**20
# The disk has room for what is claimed, and then something else takes it.
GROWING = """
import os
import sys
from pathlib import Path

import numpy as np

from frcn.learning.example_store import ExampleStore
from frcn.learning.feature_cache import build_cache
from pipelines.stage import exit_cleanly

folder = Path(sys.argv[1])


def compute(i):
    if i == 3 and sys.argv[2] == "filled":
        free = os.statvfs(folder)
        (folder / "filler").write_bytes(bytes(free.f_bavail * free.f_frsize))
    return np.full((8, 512), i)


def features():
    build_cache(folder / "features", "a", [(8, 512)] * 8, compute, "test")


def examples():
    # A row is one and a half pages: the last page takes half of one.
    store = ExampleStore(folder / "examples", 1536)
    rows = np.random.default_rng(0).random((5, 1536), dtype=np.float32)
    numbers = store.add(rows)
    assert np.array_equal(store.read(numbers), rows)


exit_cleanly(globals()[sys.argv[3]])
"""


@pytest.fixture
def repo(tiny_repository, tmp_path):
    return copy_tiny_repository(tiny_repository, tmp_path / "repo")


def command(repo: Path, stage: str) -> list[str]:
    """What DVC would run for ``RUN``, or for the report of its profile."""
    plan = yaml.safe_load((repo / "pipelines/cells.yaml").read_text())
    item = plan.get(stage, {}).get(f"mini-{RUN}", {})
    options = {
        "train": ["--config=configs/mini/XS-default.yaml", "--seed=0"],
        "detect": ["--config=configs/mini/XS-default.yaml"],
        "report": ["--profile=mini", "--seeds=0", "--noise=", "--repeated="],
    }[stage]
    options += [f"--{key}={item[key]}" for key in ("parent", "weights") if key in item]
    return ["-m", f"pipelines.{stage}", *options, f"--out={FOLDERS[stage]}"]


def assert_told(result, name: str, reason: str) -> None:
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    errors = [line for line in result.stderr.splitlines() if "error" in line.lower()]
    assert len(errors) == 1, result.stderr
    assert f"{name}: can't be written, {reason}" in errors[0]


def settled(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name not in WITH_SECONDS}


@pytest.mark.parametrize("stage", FOLDERS)
def test_a_full_disk(repo, stage):
    run = command(repo, stage)
    with small_disk(repo / FOLDERS[stage], SPACE) as disk:
        shutil.copytree(repo / FOLDERS[stage], disk.path, dirs_exist_ok=True)
        before = disk.files()
        disk.fill()
        assert_told(disk.run(repo, *run), FIRST[stage], "the disk is full, or your share of it")
        assert disk.files() == before

        # As DVC runs it, without the old outs, and with room for some of the new ones.
        for path in disk.path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        sizes = [-(-len(content) // PAGE) * PAGE for content in before.values()]
        disk.fill(len(before[FIRST[stage]]) if stage != "report" else sum(sizes) // 2)
        assert_told(disk.run(repo, *run), "", "the disk is full, or your share of it")
        parts = disk.files()
        assert FIRST[stage] in parts
        assert len(parts) < len(before)
        assert parts.items() <= before.items()

        disk.empty()
        result = disk.run(repo, *run)
        assert result.returncode == 0, result.stderr
        assert disk.files().keys() == before.keys()
        assert settled(disk.files()) == settled(before)


def test_results_that_are_only_to_be_read(repo):
    run = command(repo, "report")
    with small_disk(repo / FOLDERS["report"], SPACE) as disk:
        shutil.copytree(repo / FOLDERS["report"], disk.path, dirs_exist_ok=True)
        before = disk.files()
        disk.forbid_writing()
        result = disk.run(repo, *run)
        assert_told(result, FIRST["report"], "Read-only file system. See to its permissions")
        assert disk.files() == before
        disk.forbid_writing(False)
        result = disk.run(repo, *run)
        assert result.returncode == 0, result.stderr
        assert disk.files() == before


def test_features_that_find_the_disk_filled(tmp_path):
    folder = tmp_path / "disk"
    with small_disk(folder, 40 * PAGE) as disk:
        result = disk.run(REPO, "-c", GROWING, str(folder), "filled", "features")
        assert_told(result, "features.f16", "the disk is full, or your share of it")
        assert "3/8" in result.stderr
        disk.empty()
        result = disk.run(REPO, "-c", GROWING, str(folder), "free", "features")
        assert result.returncode == 0, result.stderr
        assert "3/8" in result.stderr  # it went on with what was whole
        values = np.frombuffer(disk.files()["features/features.f16"], np.float16)
        np.testing.assert_array_equal(values, np.repeat(np.arange(8), 8 * 512))


@pytest.mark.parametrize("pages", [1, 3, 7])
def test_half_a_row_of_an_example_is_told(tmp_path, pages):
    folder = tmp_path / "disk"
    with small_disk(folder, 40 * PAGE) as disk:
        disk.fill(pages * PAGE)
        result = disk.run(REPO, "-c", GROWING, str(folder), "full", "examples")
        assert_told(result, "examples", "the disk is full, or your share of it")
        disk.empty()
        assert disk.run(REPO, "-c", GROWING, str(folder), "free", "examples").returncode == 0
