"""The spatial pyramid against a slow loop in exact arithmetic (FACTS §3.3)."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import torch

from frcn.models.spatial_pyramid import BINS, spatial_pyramid


def slow_pyramid(feature_map, windows):
    rows = []
    for n, x1, y1, x2, y2 in windows:
        window = feature_map[n, :, y1 : y2 + 1, x1 : x2 + 1]
        _, h, w = window.shape
        levels = []
        for level in (1, 2, 3, 6):
            bins = np.zeros((len(window), level, level), dtype=np.float32)
            for i in range(level):
                for j in range(level):
                    top, bottom = floor(Fraction(i * h, level)), ceil(Fraction((i + 1) * h, level))
                    left, right = floor(Fraction(j * w, level)), ceil(Fraction((j + 1) * w, level))
                    bins[:, i, j] = window[:, top:bottom, left:right].max(axis=(1, 2))
            levels.append(bins.reshape(-1))
        rows.append(np.concatenate(levels))
    return np.stack(rows)


def test_equals_the_slow_loop():
    rng = np.random.default_rng(0)
    feature_map = rng.normal(size=(2, 3, 14, 19)).astype(np.float32)
    x = np.sort(rng.integers(0, 19, (60, 2)), axis=1)
    y = np.sort(rng.integers(0, 14, (60, 2)), axis=1)
    windows = np.column_stack([rng.integers(0, 2, 60), x[:, 0], y[:, 0], x[:, 1], y[:, 1]])
    ours = spatial_pyramid(torch.from_numpy(feature_map), torch.from_numpy(windows))
    assert ours.shape == (60, 3 * BINS)
    np.testing.assert_array_equal(ours.numpy(), slow_pyramid(feature_map, windows))


def test_fifty_bins_level_by_level():
    """One channel of 6 × 6 different cells: the last level is the map itself."""
    feature_map = torch.arange(36.0).view(1, 1, 6, 6)
    found = spatial_pyramid(feature_map, torch.tensor([[0, 0, 0, 5, 5]]))[0]
    assert BINS == 50
    assert found[0] == 35
    assert found[1:5].tolist() == [14, 17, 32, 35]
    assert found[5:14].tolist() == [7, 9, 11, 19, 21, 23, 31, 33, 35]
    assert found[14:].tolist() == list(range(36))
