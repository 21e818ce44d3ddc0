"""One bit of a file is another: it is noticed, and computed anew or refused by name."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from frcn import config
from frcn.config import Solver
from frcn.data.testing import TINY_CLASSES, write_tiny_tree
from frcn.data.voc import VOCDataset
from frcn.errors import UserError
from frcn.learning.caffe_sgd import CaffeSGD
from frcn.learning.checkpoint import Checkpoint
from frcn.learning.feature_cache import DATA, HEADER, INDEX, build_cache
from frcn.proposals.compute import compute_proposals
from frcn.proposals.store import ProposalStore

SEARCH = config.SelectiveSearch(
    name="single", method="selective_search", preset="single", k=[30], min_side=4
)
SHAPES = [(3, 4), (1, 4), (5, 4), (2, 4)]


def flipped(path: Path, places: int | None = None) -> Iterator[None]:
    """Invert one bit at a time, of some or of all bytes, and put the file back in the end."""
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    every = np.arange(len(whole))
    chosen = every if places is None else rng.choice(every, min(places, len(whole)), replace=False)
    for place in chosen:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        yield
    path.write_bytes(whole)


@pytest.fixture
def dataset(tmp_path):
    write_tiny_tree(tmp_path / "tree", {"train": 2})
    return VOCDataset(tmp_path / "tree", "train", TINY_CLASSES)


def test_proposals_of_a_picture_are_computed_anew(dataset, tmp_path, capsys):
    def compute() -> list[bytes]:
        compute_proposals(dataset, SEARCH, tmp_path / "out/train.npy", tmp_path / "cache")
        return [(tmp_path / f"out/train.{kind}").read_bytes() for kind in ("npy", "json")]

    expected = compute()
    path, other = sorted((tmp_path / "cache").rglob("*.boxes"))
    whole, untouched = path.read_bytes(), other.stat().st_mtime_ns
    for _ in flipped(path, places=12):
        capsys.readouterr()
        assert compute() == expected
        assert f"computing {path} anew: damaged in the cache" in capsys.readouterr().out
        assert path.read_bytes() == whole
    assert other.stat().st_mtime_ns == untouched
    capsys.readouterr()
    assert compute() == expected
    assert "damaged" not in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["npy", "json"])
def test_a_proposal_store_is_refused(dataset, tmp_path, kind):
    path = tmp_path / "train.npy"
    compute_proposals(dataset, SEARCH, path, tmp_path / "cache")
    for _ in flipped(path.with_suffix(f".{kind}")):
        with pytest.raises(UserError, match=rf"train\.{kind}: .*(`dvc repro`|makes it anew)"):
            ProposalStore.open(path, dataset, SEARCH)
    ProposalStore.open(path, dataset, SEARCH)


def build_features(folder: Path) -> tuple[list[np.ndarray], float, list[int]]:
    """Entries of a feature cache, the seconds it tells, and which of them had to be computed."""
    computed = []

    def compute(i: int) -> np.ndarray:
        computed.append(i)
        return np.random.default_rng(i).normal(size=SHAPES[i])

    cache = build_cache(folder, "a", SHAPES, compute, "test")
    return [np.array(cache[i]) for i in range(len(cache))], cache.seconds, computed


@pytest.mark.parametrize("name", [DATA, INDEX])
def test_features_are_computed_anew(tmp_path, name):
    expected, _, _ = build_features(tmp_path)
    for _ in flipped(tmp_path / name):
        features, seconds, computed = build_features(tmp_path)
        assert computed
        assert 0 <= seconds < 60
        for found, wanted in zip(features, expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_the_head_of_features_is_refused_or_does_not_matter(tmp_path):
    expected, _, _ = build_features(tmp_path)
    for _ in flipped(tmp_path / HEADER):
        try:
            features, _, _ = build_features(tmp_path)
        except UserError as error:
            assert "Delete" in str(error)
        else:
            np.testing.assert_array_equal(features[2], expected[2])
    assert build_features(tmp_path)[2] == []


class Counter:
    """A sampler whose state is a number of several digits."""

    def __init__(self) -> None:
        self.count = 12345

    def state(self) -> dict:
        return {"count": self.count}

    def restore(self, state: dict) -> None:
        self.count = state["count"]


def test_a_checkpoint_counts_as_none(tmp_path):
    """Also where it is of words: steps, seconds, the log, the sampler's state, names of tensors."""
    path = tmp_path / "run.safetensors"

    def checkpoint(sampler: Counter) -> tuple[Checkpoint, nn.Module]:
        network = nn.Linear(2, 3)
        return Checkpoint(path, "a", network, CaffeSGD(network, Solver()), sampler), network

    saved, network = checkpoint(Counter())
    saved.save(123, 1.25, [[1.0, 0.5]])
    for _ in flipped(path, places=600):
        sampler = Counter()
        sampler.count = 0
        restored, other = checkpoint(sampler)
        before = [tensor.clone() for tensor in other.state_dict().values()]
        assert restored.restore() == (0, 0.0, [])
        assert sampler.count == 0
        assert all(map(torch.equal, before, other.state_dict().values()))
    restored, other = checkpoint(Counter())
    assert restored.restore() == (123, 1.25, [[1.0, 0.5]])
    assert torch.equal(other.weight, network.weight)
