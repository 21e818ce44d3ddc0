"""The feature cache: what it refuses, and what it does with a part that is there."""

import itertools
import os
import shutil
import time
from collections import namedtuple

import numpy as np
import pytest

from frcn.errors import UserError
from frcn.learning.feature_cache import FeatureCache, assert_room, build_cache

SHAPES = [(3, 4), (1, 4), (5, 4), (2, 4)]


def entry(i: int) -> np.ndarray:
    return np.random.default_rng(i).normal(size=SHAPES[i])


def build(folder, key="a", compute=entry):
    return build_cache(folder, key, SHAPES, compute, "test")


def assert_whole(cache) -> None:
    assert len(cache) == len(SHAPES)
    for i in range(len(SHAPES)):
        np.testing.assert_array_equal(cache[i], entry(i).astype(np.float16))


def test_what_was_computed_is_read(tmp_path, capsys):
    assert_whole(build(tmp_path / "cache"))
    assert "features of 4 images, 0.00 GB" in capsys.readouterr().out
    assert_whole(FeatureCache.open(tmp_path / "cache", "a"))
    assert (tmp_path / "cache/features.f16").stat().st_size == 2 * 4 * 11


def test_another_key_is_refused(tmp_path):
    build(tmp_path / "cache")
    for use in (build, FeatureCache.open):
        with pytest.raises(UserError, match=r"cache: features of other weights.*Delete the folder"):
            use(tmp_path / "cache", "b")


def test_room_counts_what_is_there_already(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100, 13, 87))
    assert_room(tmp_path, [(40,)])
    with pytest.raises(UserError, match="Free some space"):
        assert_room(tmp_path, [(40,), (40,)])
    assert_room(tmp_path, [(40,), (40,)], reclaimed=80)


def test_a_disk_that_is_too_small_is_refused(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100, 13, 87))
    with pytest.raises(UserError, match=r"needs 0\.00 GB for features, the disk has 0\.00 GB"):
        build(tmp_path / "cache")


class Interrupted(Exception):
    pass


def interrupted_at(stop: int):
    def compute(i: int) -> np.ndarray:
        if i == stop:
            raise Interrupted
        return entry(i)

    return compute


def computed_by(folder) -> list[int]:
    """Which entries a further build computes."""
    seen = []

    def compute(i: int) -> np.ndarray:
        seen.append(i)
        return entry(i)

    assert_whole(build(folder, compute=compute))
    return seen


def test_an_interrupted_cache_is_continued(tmp_path):
    with pytest.raises(Interrupted):
        build(tmp_path / "cache", compute=interrupted_at(2))
    with pytest.raises(UserError, match="unfinished feature cache, 2 of 4"):
        FeatureCache.open(tmp_path / "cache", "a")
    assert computed_by(tmp_path / "cache") == [2, 3]
    assert computed_by(tmp_path / "cache") == []


def test_what_is_there_is_not_trusted(tmp_path):
    build(tmp_path / "cache")
    data = tmp_path / "cache/features.f16"
    with data.open("r+b") as file:
        file.seek(2 * 4 * 3 + 1)  # inside entry 1
        file.write(b"\xff\xff")
    assert computed_by(tmp_path / "cache") == [1, 2, 3]
    os.truncate(data, 50)
    assert computed_by(tmp_path / "cache") == [0, 1, 2, 3]
    os.truncate(tmp_path / "cache/index.bin", 8 * 3 + 5)
    assert computed_by(tmp_path / "cache") == [3]


def test_seconds_add_up_over_runs(tmp_path, monkeypatch):
    clock = itertools.accumulate(itertools.chain([0, 10, 0, 20], itertools.repeat(0)))
    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(time, "perf_counter", lambda: next(clock))
        build(tmp_path / "cache", compute=interrupted_at(2))
    assert 30 <= build(tmp_path / "cache").seconds < 31
