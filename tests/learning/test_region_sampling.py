"""Region-wise sampling: composition of batches, uniformity, and saved states (FACTS §2.3, §3.4)."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from frcn.config import Sampling
from frcn.errors import UserError
from frcn.learning import region_sampling
from frcn.learning.region_sampling import PooledRegionSampler, RegionSampler

RCNN = Sampling(bg_threshold_low=0)
SPP = Sampling()


def entry(rng, rois: int):
    overlaps = rng.uniform(0, 1, rois).astype(np.float32)
    overlaps[:3] = (1, 0.05, 0.3)
    return SimpleNamespace(overlaps=overlaps, labels=rng.integers(1, 4, rois))


@pytest.fixture
def roidb():
    rng = np.random.default_rng(0)
    return [entry(rng, rois) for rois in rng.integers(20, 60, 30)]


def samplers(roidb):
    return {
        "rcnn": RegionSampler(roidb, RCNN, True, np.random.default_rng(1)),
        "spp_net": PooledRegionSampler(roidb, SPP, True, 5, np.random.default_rng(1)),
    }


def overlaps_of(roidb, batch):
    pairs = zip(batch.entries, batch.rois, strict=True)
    return np.array([roidb[i].overlaps[row] for i, row in pairs])


@pytest.mark.parametrize(("name", "low"), [("rcnn", 0.0), ("spp_net", 0.1)])
def test_a_batch_has_96_background_then_32_foreground(roidb, name, low):
    sampler = samplers(roidb)[name]
    for _ in range(20):
        batch = next(sampler)
        overlaps = overlaps_of(roidb, batch)
        assert len(overlaps) == 128
        assert ((overlaps[:96] >= low) & (overlaps[:96] < 0.5)).all()
        assert (overlaps[96:] >= 0.5).all()
        assert (batch.labels[:96] == 0).all()
        pairs = zip(batch.entries[96:], batch.rois[96:], strict=True)
        assert batch.labels[96:].tolist() == [roidb[i].labels[row] for i, row in pairs]


def test_rcnn_takes_what_overlaps_nothing(roidb):
    batches = [next(samplers(roidb)["rcnn"]) for _ in range(3)]
    assert min(overlaps_of(roidb, batch).min() for batch in batches) < 0.1


def test_a_batch_of_24_has_6_foreground(roidb):
    sampling = Sampling(rois_per_batch=24, bg_threshold_low=0)
    batch = next(RegionSampler(roidb, sampling, True, np.random.default_rng(0)))
    assert (batch.labels > 0).sum() == 6


def test_every_region_is_as_likely(roidb):
    """A chi-square test over all foreground RoIs."""
    sampler = samplers(roidb)["rcnn"]
    counts: dict[tuple[int, int], int] = {}
    for _ in range(500):
        batch = next(sampler)
        for key in zip(batch.entries[96:].tolist(), batch.rois[96:].tolist(), strict=True):
            counts[key] = counts.get(key, 0) + 1
    regions = sum((e.overlaps >= 0.5).sum() for e in roidb)
    assert len(counts) == regions
    expected = 500 * 32 / regions
    statistic = sum((count - expected) ** 2 / expected for count in counts.values())
    assert statistic < regions + 5 * np.sqrt(2 * regions)


@pytest.mark.parametrize("name", ["rcnn", "spp_net"])
def test_half_is_mirrored(roidb, name):
    sampler = samplers(roidb)[name]
    flipped = np.concatenate([next(sampler).flipped for _ in range(100)])
    assert abs(flipped.mean() - 0.5) < 0.03


def test_scales_of_spp_net_are_random(roidb):
    sampler = samplers(roidb)["spp_net"]
    scales = np.concatenate([next(sampler).scale_indices for _ in range(100)])
    assert np.bincount(scales, minlength=5).min() > 0.18 * len(scales)


def test_spp_net_draws_from_a_pool_without_repeating_windows(monkeypatch):
    monkeypatch.setattr(region_sampling, "STEPS_PER_POOL", 4)
    rng = np.random.default_rng(0)
    many = [entry(rng, 400) for _ in range(100)]
    sampler = PooledRegionSampler(many, SPP, False, 5, np.random.default_rng(1))
    batches = [next(sampler) for _ in range(4)]
    keys = [key for b in batches for key in zip(b.entries.tolist(), b.rois.tolist(), strict=True)]
    assert len(set(keys)) == len(keys) == 4 * 128
    # Ten times 4 · 96 windows need some twenty-four images of about 160 such RoIs.
    assert len({i for i, _ in keys}) < 40


@pytest.mark.parametrize("name", ["rcnn", "spp_net"])
@pytest.mark.parametrize("steps", [3, 7])
def test_a_restored_sampler_goes_on_alike(roidb, name, steps, monkeypatch):
    monkeypatch.setattr(region_sampling, "STEPS_PER_POOL", 5)
    first, second = samplers(roidb)[name], samplers(roidb)[name]
    for _ in range(steps):
        next(first)
    second.restore(json.loads(json.dumps(first.state())))
    for _ in range(6):
        for mine, other in zip(
            vars(next(first)).values(), vars(next(second)).values(), strict=True
        ):
            np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize(("overlaps", "kind"), [([0.05, 0.3], "foreground"), ([1, 0.05], "back")])
def test_without_a_kind_there_is_nothing_to_sample(overlaps, kind):
    roidb = [SimpleNamespace(overlaps=np.array(overlaps, np.float32), labels=np.array([1, 1]))]
    with pytest.raises(UserError, match=rf"train\.sampling: no RoI .* is {kind}.*train\.proposals"):
        PooledRegionSampler(roidb, SPP, True, 5, np.random.default_rng(1))
