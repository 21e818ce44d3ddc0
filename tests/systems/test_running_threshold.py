"""The running threshold keeps what sorting the whole set at the end would."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from frcn.systems.running_threshold import RunningThreshold

# Few distinct scores, so that ties at the threshold happen.
images = st.lists(st.lists(st.integers(0, 30), max_size=15), min_size=1, max_size=12)


@given(images, st.integers(1, 40), st.integers(1, 10))
def test_against_sorting_everything(images, capacity, max_per_image):
    running = RunningThreshold(capacity)
    kept = []
    for number, values in enumerate(images):
        scores = np.array(values, dtype=np.float64)
        indices = running.keep(scores, max_per_image)
        assert len(indices) <= max_per_image
        assert (np.diff(scores[indices]) <= 0).all()
        kept += [(number, scores[i]) for i in indices]
    found = sorted(pair for pair in kept if pair[1] > running.value)

    best = [
        (number, score)
        for number, scores in enumerate(images)
        for score in sorted(scores, reverse=True)[:max_per_image]
    ]
    ranked = sorted((score for _, score in best), reverse=True)
    threshold = ranked[capacity - 1] if len(ranked) > capacity else -np.inf
    assert running.value == threshold
    assert found == sorted(pair for pair in best if pair[1] > threshold)


def test_hand_worked():
    running = RunningThreshold(3)
    assert running.keep(np.array([0.2, 0.9, 0.5, 0.1]), 2).tolist() == [1, 2]
    assert running.value == -np.inf
    assert running.keep(np.array([0.7, 0.3]), 2).tolist() == [0, 1]
    assert running.value == 0.5  # of .9 .5 .7 .3, the third best
    assert running.keep(np.array([0.5, 0.6]), 2).tolist() == [1]  # an equal score isn't above
    assert running.value == 0.6
    assert running.keep(np.zeros(0), 2).tolist() == []
