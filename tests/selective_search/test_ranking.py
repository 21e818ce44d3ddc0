import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from frcn.boxes import without_duplicates
from frcn.selective_search.ranking import random_rank, raster_order

BOXES = arrays(np.int32, st.tuples(st.integers(0, 30), st.just(4)), elements=st.integers(0, 5))


@given(BOXES)
def test_duplicates_keep_their_first_row(boxes: np.ndarray) -> None:
    assert without_duplicates(boxes).tolist() == [list(b) for b in dict.fromkeys(map(tuple, boxes))]


@given(BOXES)
def test_raster_order_sorts_by_y1_x1_y2_x2(boxes: np.ndarray) -> None:
    wanted = sorted(boxes.tolist(), key=lambda box: (box[1], box[0], box[3], box[2]))
    assert raster_order(boxes).tolist() == wanted


def test_random_rank_multiplies_positions_by_random_numbers() -> None:
    hierarchies = [np.arange(20).reshape(5, 4), 100 + np.arange(12).reshape(3, 4)]
    random = np.random.default_rng(7).random(8)
    positions = [5, 4, 3, 2, 1, 3, 2, 1]
    rows = np.concatenate(hierarchies).tolist()
    wanted = [rows[i] for i in sorted(range(8), key=lambda i: positions[i] * random[i])]
    assert random_rank(hierarchies, 7).tolist() == wanted


def test_late_merges_tend_to_come_first() -> None:
    hierarchy = np.arange(400).reshape(100, 4)
    places = [random_rank([hierarchy], seed)[:, 0] // 4 for seed in range(200)]
    mean = np.mean([np.argsort(order) for order in places], axis=0)
    assert mean[-1] < mean[50] < mean[0]
