"""Whole trainings, projected, and the line of the mini-batch's cost, by hand."""

import pytest

from frcn.timing.minibatch_cost import on_line
from frcn.timing.projection import fast_rcnn_training, rcnn_training, spp_net_training


def test_trainings_by_hand():
    fast = fast_rcnn_training([0.4, 0.5, 1.0])
    assert fast.seconds == [16_000, 20_000, 40_000]
    assert fast.note == "40000 steps of 0.5 s"
    # One projection for as many repeats as both parts have.
    rcnn = rcnn_training([2.0, 3.0, 4.0, 5.0, 6.0], [47.0, 48.0, 46.0])
    assert rcnn.seconds == [70_000 * 2 + 5011 * 47, 70_000 * 3 + 5011 * 48, 70_000 * 4 + 5011 * 46]
    assert "70000 steps of 4 s" in rcnn.note
    assert "5011 images at 47 s" in rcnn.note
    spp = spp_net_training([0.1, 0.2], [3.0, 4.0, 5.0])
    assert spp.seconds == pytest.approx([10_022 * 3 + 9_000, 10_022 * 4 + 18_000])
    for row in (fast, rcnn, spp):
        assert row.phase == "training"
        assert row.extrapolated


def test_a_line_through_each_repeat():
    # 3 + 2 N and 1 + 4 N; the third of N = 1 has no partners.
    measured = {1: [5.0, 5.0, 100.0], 2: [7.0, 9.0], 4: [11.0, 17.0]}
    assert on_line(measured, 128) == pytest.approx([259, 513])
    # Not on one line: least squares through (1, 1), (2, 3), (3, 2) is 1 + N/2.
    assert on_line({1: [1.0], 2: [3.0], 3: [2.0]}, 10) == pytest.approx([6])
