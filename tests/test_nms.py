"""NMS of boxes against a greedy loop with widths of +1, and against torchvision."""

import numpy as np
import pytest
import torch
from torchvision.ops import nms as torchvision_nms

from frcn.nms import batched_nms, nms


def _overlap(box, other):
    width = min(box[2], other[2]) - max(box[0], other[0]) + 1
    height = min(box[3], other[3]) - max(box[1], other[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(b[2] - b[0] + 1) * (b[3] - b[1] + 1) for b in (box, other)]
    return width * height / (sum(areas) - width * height)


def _slow_nms(boxes, scores, threshold):
    kept = []
    for i in np.argsort(-scores, kind="stable"):
        if all(_overlap(boxes[i], boxes[j]) < threshold for j in kept):
            kept.append(i)
    return kept


def _random_boxes(rng, count):
    corners = rng.integers(0, 60, (count, 2))
    return np.hstack([corners, corners + rng.integers(0, 40, (count, 2))]).astype(np.float32)


@pytest.mark.parametrize("seed", range(10))
def test_nms_agrees_with_a_greedy_loop(seed):
    rng = np.random.default_rng(seed)
    boxes, scores = _random_boxes(rng, 80), rng.choice(np.linspace(0, 1, 20), 80)
    # 0.3001: no ratio of the small integers above equals it, so rounding can't decide.
    assert nms(boxes, scores, 0.3001).tolist() == _slow_nms(boxes, scores, 0.3001)


@pytest.mark.parametrize("seed", range(5))
def test_nms_agrees_with_torchvision_on_corners_moved_by_one(seed):
    rng = np.random.default_rng(seed)
    boxes, scores = _random_boxes(rng, 300), rng.permutation(300).astype(np.float32)
    outer = torch.from_numpy(boxes + np.float32([0, 0, 1, 1]))
    expected = torchvision_nms(outer, torch.from_numpy(scores), 0.3001)
    assert nms(boxes, scores, 0.3001).tolist() == expected.tolist()


def test_an_iou_of_exactly_the_threshold_suppresses():
    # 6 of 10 + 16 - 6 = 20 pixels are shared, as in the original's compiled version.
    boxes = np.array([[0, 0, 9, 0], [4, 0, 19, 0]])
    assert nms(boxes, np.array([0.9, 0.8]), 0.3).tolist() == [0]
    assert nms(boxes, np.array([0.9, 0.8]), 0.30001).tolist() == [0, 1]


def test_of_equal_scores_the_earlier_box_wins():
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 8]])
    assert nms(boxes, np.array([0.5, 0.5]), 0.3).tolist() == [0]


def test_widths_count_both_corners():
    # Shared 2 of 6 pixel columns: IoU 1/3 with +1, 1/5 without.
    boxes = np.array([[0, 0, 3, 0], [2, 0, 5, 0]])
    assert nms(boxes, np.array([0.9, 0.8]), 0.3).tolist() == [0]


@pytest.mark.parametrize("seed", range(5))
def test_batched_nms_is_nms_of_each_group(seed):
    rng = np.random.default_rng(seed)
    boxes, scores = _random_boxes(rng, 120), rng.random(120)
    groups = rng.choice([7, -3, 10**9], 120)
    expected = []
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        expected += [rows[i] for i in _slow_nms(boxes[rows], scores[rows], 0.3001)]
    assert batched_nms(boxes, scores, groups, 0.3001).tolist() == sorted(expected)


def test_no_boxes():
    empty = np.zeros((0, 4), np.float32)
    assert nms(empty, np.zeros(0), 0.3).tolist() == []
    assert batched_nms(empty, np.zeros(0), np.zeros(0, np.int64), 0.3).tolist() == []
