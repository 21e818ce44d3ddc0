"""Dense boxes: the grid, the samples, and the nearest windows against slow twins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcn.boxes import iou
from frcn.config import DenseBoxes
from frcn.data.testing import TINY_CLASSES, write_tiny_tree
from frcn.data.voc import VOCDataset
from frcn.proposals.dense import DenseSampler, dense_windows, nearest_windows
from frcn.proposals.source import WithDenseBoxes

GRID = {"smallest": 8, "aspect_ratios": [0.5, 1, 2], "stride": 0.25}
PROPOSALS = np.array([[0, 0, 9, 9], [3, 4, 30, 33], [3, 4, 29, 33]], dtype=np.float32)


def dense(**values) -> DenseBoxes:
    return DenseBoxes(**GRID | values)


def test_a_grid_by_hand():
    # One scale of 4 pixels fits into 4 x 7; a step of 2 gives starts 0, 2 and 3 along the width
    # (an even spread over the 3 pixels of room: 0, 1.5, 3).
    found = dense_windows(4, 7, 4, [1], 0.5)
    assert found.tolist() == [[0, 0, 3, 3], [2, 0, 5, 3], [3, 0, 6, 3]]


@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(1, 30),
    st.lists(st.floats(0.2, 5), min_size=1, max_size=3),
    st.floats(0.1, 1),
)
def test_windows_are_distinct_and_inside(height, width, smallest, ratios, stride):
    found = dense_windows(height, width, smallest, ratios, stride)
    assert found.dtype == np.int16
    assert len(np.unique(found, axis=0)) == len(found)
    assert (found >= 0).all() and (found[:, :2] <= found[:, 2:]).all()
    assert (found[:, 2:] <= [width - 1, height - 1]).all()


def test_every_square_object_is_covered():
    # Sides half an octave apart and steps of a quarter: an IoU of 0.5 is always within reach.
    windows = dense_windows(120, 160, 8, [1], 0.25)
    rng = np.random.default_rng(0)
    for _ in range(200):
        side = rng.integers(10, 100)
        x, y = rng.integers(0, 160 - side), rng.integers(0, 120 - side)
        assert iou(np.array([[x, y, x + side - 1, y + side - 1]]), windows).max() >= 0.5


def test_added_windows_follow_the_proposals():
    found = DenseSampler(dense(use="add", count=50)).boxes(PROPOSALS, (60, 80), "picture")
    np.testing.assert_array_equal(found[:3], PROPOSALS)
    grid = {tuple(box) for box in dense_windows(60, 80, *GRID.values()).tolist()}
    assert len(found) == 53 and {tuple(box) for box in found[3:].tolist()} <= grid
    assert len(np.unique(found[3:], axis=0)) == 50


def test_alone_there_are_no_proposals_and_never_more_than_the_grid_has():
    grid = dense_windows(60, 80, *GRID.values())
    found = DenseSampler(dense(use="alone", count=10**6)).boxes(PROPOSALS, (60, 80), "picture")
    assert sorted(found.tolist()) == sorted(grid.tolist())


def test_the_sample_depends_on_picture_and_seed_alone():
    def sample(picture, **values):
        sampler = DenseSampler(dense(use="alone", count=20, **values))
        sampler.boxes(PROPOSALS, (33, 44), "another picture")
        return sampler.boxes(PROPOSALS, (60, 80), picture).tolist()

    assert sample("a") == sample("a")
    assert sample("a") != sample("b")
    assert sample("a") != sample("a", seed=1)


def test_nearest_windows_equal_the_slow_twin():
    windows = dense_windows(60, 80, *GRID.values())
    expected = []
    for box in PROPOSALS:
        overlaps = [iou(box[None], window[None])[0, 0] for window in windows]
        nearest = windows[int(np.argmax(overlaps))].tolist()
        if nearest not in expected:
            expected.append(nearest)
    # The second and the third proposal share a window.
    assert len(expected) == 2
    assert nearest_windows(PROPOSALS, windows).tolist() == expected
    assert nearest_windows(PROPOSALS, windows[:0]).shape == (0, 4)
    assert nearest_windows(PROPOSALS[:0], windows).shape == (0, 4)


@given(st.lists(st.tuples(*4 * [st.integers(0, 40)]), min_size=1, max_size=20), st.data())
def test_nearest_windows_are_those_of_highest_iou(corners, data):
    boxes = np.array([(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners])
    windows = data.draw(st.permutations(dense_windows(25, 30, 8, [0.5, 1], 0.5).tolist()))
    windows = np.array(windows[:50], dtype=np.int16)
    expected = windows[list(dict.fromkeys(iou(boxes, windows).argmax(axis=1).tolist()))]
    np.testing.assert_array_equal(nearest_windows(boxes.astype(np.float32), windows), expected)


def test_a_source_with_dense_boxes_counts_its_own_proposals(tmp_path):
    write_tiny_tree(tmp_path, {"train": 1})
    dataset = VOCDataset(tmp_path, "train", TINY_CLASSES)

    class Three:
        digest = "three"

        def boxes(self, i, count=None):
            return PROPOSALS[:count]

    source = WithDenseBoxes(Three(), dataset, dense(use="add", count=7))
    assert len(source.boxes(0)) == 10
    assert len(source.boxes(0, 2)) == 9


@pytest.mark.parametrize(("use", "count"), [("nearest", 5), ("add", None), ("alone", None)])
def test_a_count_that_does_not_fit_the_use_is_refused(use, count):
    with pytest.raises(ValueError, match="nearest has no `count`, add and alone need one"):
        dense(use=use, count=count)
