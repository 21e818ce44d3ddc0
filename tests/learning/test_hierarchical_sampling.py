"""Quotas, permutation and state of the sampler."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcn.config import Sampling
from frcn.learning.hierarchical_sampling import HierarchicalSampler, sample_rois

# Values at the thresholds are likely, because there the inequalities decide.
overlap = st.one_of(st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.floats(0, 1, width=32))


@given(st.lists(overlap, max_size=200), st.integers(0, 99))
def test_quotas(overlaps, seed):
    overlaps = np.array(overlaps, dtype=np.float64)
    fg, bg = sample_rois(overlaps, Sampling(), np.random.default_rng(seed))
    foreground = [i for i, value in enumerate(overlaps) if value >= 0.5]
    background = [i for i, value in enumerate(overlaps) if 0.1 <= value < 0.5]
    assert set(fg) <= set(foreground)
    assert set(bg) <= set(background)
    assert len(set(fg)) == len(fg) == min(16, len(foreground))
    assert len(set(bg)) == len(bg) == min(64 - len(fg), len(background))


@pytest.mark.parametrize(
    ("foreground", "background", "expected"),
    [
        (100, 100, (16, 48)),
        (3, 100, (3, 61)),  # a shortage of foreground is filled with background
        (100, 10, (16, 10)),  # a shortage of background is not filled
        (0, 5, (0, 5)),
    ],
)
def test_hand_worked_quotas(foreground, background, expected):
    overlaps = np.repeat([0.7, 0.3, 0.05], [foreground, background, 20])
    fg, bg = sample_rois(overlaps, Sampling(), np.random.default_rng(0))
    assert (len(fg), len(bg)) == expected


def test_every_roi_is_equally_likely():
    rng = np.random.default_rng(0)
    overlaps = np.repeat([0.7, 0.3], [32, 96])
    counts = np.zeros(128)
    for _ in range(2000):
        counts[np.concatenate(sample_rois(overlaps, Sampling(), rng))] += 1
    # Each of them is drawn with probability 1/2: 1000 times, standard deviation 22.
    assert (np.abs(counts - 1000) < 5 * 22.4).all()


def sampler(entries: int, flip: bool = True, scales: int = 5, seed: int = 0) -> HierarchicalSampler:
    rng = np.random.default_rng(9)
    roidb = [SimpleNamespace(overlaps=rng.random(50)) for _ in range(entries)]
    return HierarchicalSampler(roidb, Sampling(), flip, scales, np.random.default_rng(seed))


@pytest.mark.parametrize(("entries", "flip", "batches"), [(4, True, 3), (5, False, 2), (6, 0, 2)])
def test_a_permutation_never_repeats_an_entry_and_is_dropped_near_its_end(entries, flip, batches):
    # The next permutation begins as soon as cursor + 2 reaches the length (FACTS §1.7).
    draw = sampler(entries, flip)
    for _ in range(20):
        seen = [(s.entry, s.flipped) for _ in range(batches) for s in next(draw)]
        assert len(set(seen)) == len(seen) == 2 * batches
    tail = {(s.entry, s.flipped) for _ in range(200) for s in next(draw)}
    assert len(tail) == entries * (2 if flip else 1)


def test_parts_of_a_sampled_image():
    draw = sampler(4)
    batch = [sample for _ in range(100) for sample in next(draw)]
    assert {s.scale_index for s in batch} == set(range(5))
    assert {s.flipped for s in batch} == {False, True}
    for sample in batch:
        overlaps = draw._roidb[sample.entry].overlaps
        assert (overlaps[sample.rois[: sample.foreground]] >= 0.5).all()
        assert (overlaps[sample.rois[sample.foreground :]] < 0.5).all()
    assert not any(s.flipped for _ in range(20) for s in next(sampler(4, flip=False)))


def future(draw: HierarchicalSampler) -> list:
    return [
        (s.entry, s.flipped, s.scale_index, s.rois.tolist(), s.foreground)
        for _ in range(10)
        for s in next(draw)
    ]


def test_restored_state_gives_the_same_future():
    draw = sampler(4)
    for _ in range(4):
        next(draw)
    state = json.loads(json.dumps(draw.state()))
    expected = future(draw)
    other = sampler(4, seed=1)
    assert future(other) != expected
    other.restore(state)
    assert future(other) == expected


def test_a_single_image_is_a_smaller_batch():
    assert [s.entry for s in next(sampler(1, flip=False))] == [0]
