"""Boxes resemble the published lists of FACTS §5.1, and are valid for any picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcn.timing.networks import fast_rcnn_network
from frcn.timing.setting import PAPER, SETTINGS
from frcn.timing.typical_boxes import typical_boxes
from frcn.timing.workload import count_unique_rois, input_size, workload


def test_sizes_resemble_those_of_001551():
    boxes = workload(PAPER).boxes
    assert boxes.shape == (2000, 4)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2] + 1, axis=1)
    # Its five-scale levels by area: 179, 70, 148, 179 and 1481 of 2057 boxes.
    scales = np.array(PAPER.pyramid.short_sides) / 375
    levels = np.abs(areas[:, None] * scales**2 - 224**2).argmin(axis=1)
    share = np.bincount(levels, minlength=5) / 2000
    np.testing.assert_allclose(share, np.array([179, 70, 148, 179, 1481]) / 2057, atol=0.04)


def test_as_many_are_unique_as_of_001551():
    """1572 of 2057 at scale 1.6, where the input is 600 × 800."""
    work = workload(SETTINGS["S"])
    assert input_size(SETTINGS["S"], work) == (600, 800)
    unique = count_unique_rois(SETTINGS["S"], work, fast_rcnn_network("XS"))
    # XS has half the stride, and fewer equal RoIs.
    assert unique > 1572 / 2057 * 2000
    found = len(np.unique(np.round(work.boxes * 1.6 / 16), axis=0))
    assert found == pytest.approx(1572 / 2057 * 2000, rel=0.05)


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    count=st.integers(2, 50),
    seed=st.integers(0, 9),
)
def test_boxes_lie_in_the_picture(height, width, count, seed):
    boxes = typical_boxes(height, width, count, np.random.default_rng(seed))
    assert boxes.shape == (count, 4)
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] >= boxes[:, :2]).all()
    assert (boxes[:, 2:] < [width, height]).all()


def test_the_same_work_in_every_call():
    first, second = workload(PAPER), workload(PAPER)
    np.testing.assert_array_equal(first.boxes, second.boxes)
    np.testing.assert_array_equal(first.picture, second.picture)
