"""Lists taken in turn, against a slow twin and by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from frcn.proposals.interleave import interleave

boxes = st.lists(st.tuples(*[st.integers(0, 2)] * 4), max_size=6)


def as_array(rows):
    return np.array(rows, dtype=np.int16).reshape(-1, 4)


def test_by_hand():
    a, b, c, d = ([i, i, i + 1, i + 1] for i in range(4))
    first, second = as_array([a, b, c]), as_array([b, a, d, d])
    found = interleave([first, second])
    assert found.dtype == np.int16
    assert found.tolist() == [a, b, c, d]


@given(st.lists(boxes, min_size=1, max_size=3))
def test_equals_the_slow_twin(lists):
    expected = []
    for rank in range(max(map(len, lists))):
        for rows in lists:
            if rank < len(rows) and list(rows[rank]) not in expected:
                expected.append(list(rows[rank]))
    assert interleave([as_array(rows) for rows in lists]).tolist() == expected
