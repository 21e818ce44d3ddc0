"""OpenCV's search keeps the method's contract and none of its habits."""

import numpy as np
import pytest
from pictures import picture

from frcn import config
from frcn.boxes import areas, iou
from frcn.proposals.method import make_method


def proposals(**changes):
    values = {"name": "opencv", "mode": "fast", "base_k": 50, "sigma": 0.8}
    method = "opencv_selective_search"
    return config.OpenCVSelectiveSearch(method=method, **values | changes)


@pytest.mark.parametrize("mode", ["fast", "quality", "single"])
def test_boxes_are_distinct_and_inside(mode):
    boxes = make_method(proposals(mode=mode))(picture())
    assert boxes.dtype == np.int16
    assert boxes.shape[1] == 4 and len(boxes) > 3
    assert len(np.unique(boxes, axis=0)) == len(boxes)
    assert (boxes[:, :2] >= 0).all() and (boxes[:, :2] <= boxes[:, 2:]).all()
    assert (boxes[:, 2:] <= [119, 89]).all()


def test_corners_are_inclusive():
    boxes = make_method(proposals())(picture())
    assert iou(boxes, np.array([[30, 20, 79, 59]])).max() > 0.97
    assert [0, 0, 119, 89] in boxes.tolist()


def test_the_order_puts_large_groupings_first():
    boxes = make_method(proposals())(picture())
    half = len(boxes) // 2
    assert np.median(areas(boxes[:half])) > np.median(areas(boxes[half:]))


def test_boxes_depend_on_the_picture_and_the_seed_alone():
    method = make_method(proposals())
    alone = method(picture())
    for seed in (1, 2, 3):
        method(picture(seed, size=(70, 160)))
    np.testing.assert_array_equal(method(picture()), alone)
    np.testing.assert_array_equal(make_method(proposals())(picture()), alone)
    other = make_method(proposals(seed=1))(picture())
    assert other.tolist() != alone.tolist()
    assert sorted(other.tolist()) == sorted(alone.tolist())


def test_small_boxes_and_late_boxes_are_left_out():
    everything = make_method(proposals())(picture())
    sides = everything[:, 2:] - everything[:, :2] + 1
    large = everything[sides.min(axis=1) >= 20]
    assert 3 < len(large) < len(everything)
    np.testing.assert_array_equal(make_method(proposals(min_side=20))(picture()), large)
    np.testing.assert_array_equal(
        make_method(proposals(min_side=20, max_boxes=3))(picture()), large[:3]
    )


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 40)])
def test_the_smallest_pictures_do_no_harm(size):
    boxes = make_method(proposals())(np.zeros((*size, 3), dtype=np.uint8))
    assert boxes.tolist() == [[0, 0, size[1] - 1, size[0] - 1]]
