import numpy as np
import twins
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from frcn.boxes import iou
from frcn.selective_search.agreement import _diversified, _highest_iou, agreement_order

CORNERS = arrays(np.int32, st.tuples(st.integers(1, 12), st.just(4)), elements=st.integers(0, 9))
BOXES = CORNERS.map(
    lambda c: np.hstack([np.minimum(c[:, :2], c[:, 2:]), np.maximum(c[:, :2], c[:, 2:])])
)
HIERARCHIES = st.lists(BOXES, min_size=1, max_size=4)


def columns(boxes: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(boxes.T + np.array([[0], [0], [1], [1]]), np.float32)


@given(BOXES, BOXES)
def test_highest_iou_is_that_of_the_box_arithmetic(boxes: np.ndarray, others: np.ndarray) -> None:
    found = _highest_iou(columns(boxes), columns(others))
    np.testing.assert_allclose(found, iou(boxes, others).max(axis=1), rtol=1e-6)


def test_boxes_that_are_hardly_different_are_all_there_once() -> None:
    nested = np.array([[0, 0, right, 99] for right in range(300, 700)], np.int32)
    order = agreement_order([nested], 1)
    assert sorted(order.tolist()) == sorted(nested.tolist())


@given(HIERARCHIES, st.integers(1, 4))
def test_scores_fall_as_the_slow_twin_says(hierarchies: list[np.ndarray], min_side: int) -> None:
    order = [tuple(box) for box in agreement_order(hierarchies, min_side).tolist()]
    scores = twins.agreement_scores(hierarchies, min_side)
    assert sorted(order) == sorted(scores)
    for box in order:
        assert scores[box] >= max(scores.values()) * (1 - 1e-4) - 1e-6
        del scores[box]
        for other in scores:
            scores[other] *= 1 - iou(np.array([box]), np.array([other])).item() ** 4


def test_boxes_not_chosen_one_by_one_follow_by_score() -> None:
    boxes = columns(np.array([[0, 0, 9, 9], [0, 0, 9, 8], [50, 0, 59, 9], [70, 0, 79, 9]]))
    scores = np.array([4, 3, 1, 2], np.float32)
    assert _diversified(boxes, scores, 1).tolist() == [0, 3, 1, 2]


def test_what_all_hierarchies_find_comes_before_what_one_finds() -> None:
    whole, common, single = [0, 0, 99, 99], [10, 10, 39, 39], [60, 60, 89, 89]
    hierarchies = [np.array([common, single, whole]), np.array([common, whole])]
    assert agreement_order(hierarchies, 1).tolist() == [whole, common, single]
