"""Recall against a slow twin and hand-worked cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcn.data.voc import Annotation
from frcn.proposals.recall import average_recall, match_greedily, recall


def annotation(boxes, difficult=None):
    boxes = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    flags = np.zeros(len(boxes), dtype=bool)
    return Annotation(
        boxes=boxes,
        labels=np.ones(len(boxes), dtype=np.int64),
        difficult=flags if difficult is None else np.asarray(difficult),
        truncated=flags,
    )


def slow_iou(one, other):
    """Pixels in both over pixels in either, counted one by one."""

    def pixels(box):
        return {
            (x, y)
            for x in range(int(box[0]), int(box[2]) + 1)
            for y in range(int(box[1]), int(box[3]) + 1)
        }

    return len(pixels(one) & pixels(other)) / len(pixels(one) | pixels(other))


def slow_match(boxes, objects):
    free_boxes, free_objects = list(range(len(boxes))), list(range(len(objects)))
    overlaps = [0.0] * len(objects)
    while free_boxes and free_objects:
        best = max(
            (slow_iou(objects[g], boxes[r]), -g, -r) for g in free_objects for r in free_boxes
        )
        overlap, thing, box = best[0], -best[1], -best[2]
        overlaps[thing] = overlap
        free_objects.remove(thing)
        free_boxes.remove(box)
    return overlaps


@st.composite
def boxes(draw, most):
    corner = st.integers(0, 7)
    side = st.integers(0, 4)
    drawn = draw(st.lists(st.tuples(corner, corner, side, side), max_size=most))
    return np.array([(x, y, x + w, y + h) for x, y, w, h in drawn], dtype=np.float32).reshape(-1, 4)


@given(boxes(8), boxes(5))
def test_matching_equals_the_slow_twin(found, objects):
    np.testing.assert_allclose(
        match_greedily(found, objects), slow_match(found, objects), atol=1e-12
    )


def test_a_box_serves_one_object_only():
    # Both objects overlap the first box with IoU 2/3 and 1/2; the second box covers neither.
    objects = [[0, 0, 9, 14], [0, 0, 9, 19]]
    found = [[0, 0, 9, 9], [50, 50, 60, 60]]
    assert match_greedily(np.array(found), np.array(objects)).tolist() == [pytest.approx(2 / 3), 0]
    assert recall([np.array(found)], [annotation(objects)], 0.5) == 0.5


def test_difficult_objects_and_the_count_matter():
    objects = annotation([[0, 0, 9, 9], [20, 20, 29, 29]], difficult=[True, False])
    found = np.array([[0, 0, 9, 9], [20, 20, 29, 29]])
    assert recall([found], [objects], 0.5, count=1) == 0
    assert recall([found], [objects], 0.5, count=2) == 1
    assert recall([found], [objects], 0.5) == 1


def test_recall_is_over_objects_and_not_over_images():
    images = [annotation([[0, 0, 9, 9]] * 3), annotation([[0, 0, 9, 9]])]
    found = [np.zeros((0, 4)), np.array([[0, 0, 9, 9]])]
    assert recall(found, images, 0.5) == 0.25


def test_average_recall_counts_thresholds_reached_inclusively():
    # IoU 0.6 exactly: reached are 0.5, 0.55 and 0.6, three of ten.
    found, objects = [np.array([[0, 0, 5, 0]])], [annotation([[0, 0, 9, 0]])]
    assert average_recall(found, objects) == pytest.approx(0.3)
    assert average_recall([np.array([[0, 0, 9, 0]])], objects) == 1


def test_without_objects_recall_is_not_a_number():
    assert np.isnan(recall([np.array([[0, 0, 5, 5]])], [annotation([])], 0.5))
