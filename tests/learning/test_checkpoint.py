"""What a checkpoint brings back, and which files it refuses to take up."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from frcn.config import Sampling, Solver
from frcn.learning.caffe_sgd import CaffeSGD
from frcn.learning.checkpoint import Checkpoint
from frcn.learning.hierarchical_sampling import HierarchicalSampler

LOG = [[1.0, 0.001, 2.5, 2.0, 0.5], [2.0, 0.001, 1 / 3, 1 / 3, 0.0]]


class Training:
    """A convolution in the trunk's memory layout, its solver and a sampler."""

    def __init__(self, path, fingerprint="a config", seed=0):
        torch.manual_seed(seed)
        self.network = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
        self.optimiser = CaffeSGD(self.network, Solver())
        roidb = [SimpleNamespace(overlaps=np.linspace(0, 1, 50)) for _ in range(4)]
        rng = np.random.default_rng(seed)
        self.sampler = HierarchicalSampler(roidb, Sampling(), True, 1, rng)
        self.checkpoint = Checkpoint(path, fingerprint, self.network, self.optimiser, self.sampler)

    def advance(self, steps: int) -> list:
        """Steps that depend on every random stream; returns all that they produced."""
        drawn = []
        for step in range(steps):
            drawn += [sample.rois.tolist() for sample in next(self.sampler)]
            loss = self.network(torch.rand(1, 3, 5, 5)).square().sum()
            loss.backward()
            self.optimiser.step(step)
        return [drawn, *(p.tolist() for p in self.network.parameters()), torch.rand(3).tolist()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "resume" / "XS-default-0.safetensors"


def test_the_future_is_the_same_after_restoring(path):
    first = Training(path)
    first.advance(3)
    first.checkpoint.save(3, 1.25, LOG)
    expected = first.advance(4)
    second = Training(path, seed=1)
    assert second.checkpoint.restore() == (3, 1.25, LOG)
    assert second.advance(4) == expected


def test_nothing_to_resume(path):
    training = Training(path)
    assert training.checkpoint.restore() == (0, 0.0, [])
    training.checkpoint.save(3, 1.0, LOG)
    training.checkpoint.remove()
    training.checkpoint.remove()
    assert not list(path.parent.iterdir())
    assert training.checkpoint.restore() == (0, 0.0, [])


def untouched(training: Training, before: list) -> bool:
    state = training.network.state_dict().values()
    return all(torch.equal(now, old) for now, old in zip(state, before, strict=True))


def test_a_checkpoint_of_another_config_is_ignored(path):
    first = Training(path)
    first.checkpoint.save(3, 1.0, LOG)
    other = Training(path, fingerprint="another config", seed=1)
    before = [t.clone() for t in other.network.state_dict().values()]
    assert other.checkpoint.restore() == (0, 0.0, [])
    assert untouched(other, before)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_checkpoint_with_a_flipped_bit_counts_as_none(path, share):
    """Numbers stand in the last part of the file; its head has names and places."""
    first = Training(path)
    first.checkpoint.save(3, 1.0, LOG)
    content = bytearray(path.read_bytes())
    head = 8 + int.from_bytes(content[:8], "little")
    content[head + int(share * (len(content) - head))] ^= 1
    path.write_bytes(content)
    other = Training(path, seed=1)
    before = [t.clone() for t in other.network.state_dict().values()]
    assert other.checkpoint.restore() == (0, 0.0, [])
    assert untouched(other, before)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.999])
def test_a_damaged_checkpoint_counts_as_none(path, share):
    first = Training(path)
    first.checkpoint.save(3, 1.0, LOG)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    other = Training(path, seed=1)
    before = [t.clone() for t in other.network.state_dict().values()]
    assert other.checkpoint.restore() == (0, 0.0, [])
    assert untouched(other, before)
