"""From boxes to cells against hand-worked numbers (FACTS §3.3)."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from frcn.config import Scales
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.spp_net import SPPNet
from frcn.models.weights import Preprocessing
from frcn.systems.spp_net.feature_maps import FeatureMaps
from frcn.systems.spp_net.window_mapping import WindowMapping

ZF = WindowMapping(stride=16, first_centre=21, offset=6.5, side=208)
"""SPP-net's own network."""


def test_the_worked_example():
    """Short side 375 → 688, 1-based x 50 … 200: cells 6 … 22."""
    box = np.array([[49, 49, 199, 199]])
    cells = ZF.windows(box, (375, 375), 688, (42, 42))
    assert (cells + 1).tolist() == [[6, 6, 22, 22]]


def test_best_scale_is_the_nearest_short_side():
    # 208 · 375 / side: 100 → 780, 130 → 600, 200 → 390.
    boxes = np.array([[0, 0, 99, 99], [0, 0, 129, 129], [0, 0, 199, 199]])
    scales = [480, 576, 688, 874, 1200]
    assert ZF.best_scales(boxes, (375, 500), scales).tolist() == [2, 1, 0]


def test_a_window_that_rounding_empties_is_its_middle_cell():
    # x = 85 … 88: left ⌊(85 − 21 + 6.5)/16 + ½⌋ + 1 = 5, right ⌈(88 − 21 − 6.5)/16 − ½⌉ + 1 = 5.
    # x = 90 … 91: left 5, right 5; x = 94 … 95: left 6, right 6 − 1 = 5, so ⌊5.5⌋ = 5.
    for first, last, cell in ((85, 88, 5), (94, 95, 5)):
        box = np.array([[first - 1, first - 1, last - 1, last - 1]])
        assert (ZF.windows(box, (600, 600), 600, (36, 36)) + 1).tolist() == [[cell] * 4]


@pytest.mark.parametrize(
    ("name", "stride", "first_centre", "cells"),
    # S, M and L: FACTS §1.4.
    [("XS", 8, 4.5, 6), ("S", 16, 1, 15), ("M", 16, 18, 13), ("L", 16, 8.5, 14)],
)
def test_our_networks_in_proportion_to_their_strides(name, stride, first_centre, cells):
    with torch.device("meta"):
        network = FastRCNNNet(name, 2)
        side = network.pretrained_size
        assert network.trunk(torch.empty(1, 3, side, side)).shape[2:] == (cells, cells)
    offset = 6.5 * stride / 16
    assert WindowMapping.of(network) == WindowMapping(stride, first_centre, offset, cells * stride)


@given(st.tuples(*[st.integers(0, 199)] * 4))
def test_windows_are_inside_the_map(corners):
    x1, x2 = sorted(corners[:2])
    y1, y2 = sorted(corners[2:])
    cells = ZF.windows(np.array([[x1, y1, x2, y2]]), (200, 200), 300, (18, 17))[0]
    assert (cells >= 0).all()
    assert (cells[:2] <= cells[2:]).all()
    assert cells[2] < 17
    assert cells[3] < 18


def test_distinct_boxes_are_those_with_features_of_their_own():
    """Against features themselves: of the same window come the same 50 bins of every channel."""
    torch.manual_seed(0)
    scales = Scales(short_sides=[60, 90], max_size=1000)
    preprocessing = Preprocessing(mean=(0, 0, 0), std=(50, 50, 50))
    maps = FeatureMaps(SPPNet("XS", 2).eval(), preprocessing, scales, torch.device("cpu"))
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    corners = rng.integers(0, [40, 30], (300, 2))
    boxes = np.concatenate([corners, corners + rng.integers(5, 30, (300, 2))], axis=1)
    rows = maps.distinct(boxes, (60, 80))
    best = maps.best_scales(boxes, (60, 80))
    of_scale = [torch.from_numpy(maps.map(picture, s)).permute(2, 0, 1)[None] for s in (0, 1)]
    features = maps.pool(boxes, (60, 80), best, of_scale.__getitem__).numpy()
    first = {}
    for row, seen in enumerate(zip(best.tolist(), map(bytes, features), strict=True)):
        first.setdefault(seen, row)
    assert rows.tolist() == [*first.values()]
    assert 20 < len(rows) < 300
