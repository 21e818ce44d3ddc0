"""How often something is repeated."""

import pytest

from frcn.timing.clock import repeat


@pytest.mark.parametrize(
    ("seconds", "wanted", "repeats"),
    [
        (1, 5, 5),
        (1, 20, 20),
        (2.5, 20, 20),  # after 19 of them, 47.5 s
        (10, 20, 5),  # 50 s are too much for another
        (16, 5, 4),
        (90, 20, 3),
    ],
)
def test_repeats_end_after_fifty_seconds_but_not_before_the_third(seconds, wanted, repeats):
    # The first pass, however long, decides nothing.
    durations = iter([100.0] + [seconds] * wanted)

    def run():
        spent = next(durations)
        return {"conv": spent / 4, "fc6": spent * 3 / 4}

    assert repeat(run, wanted) == {
        "conv": [seconds / 4] * repeats,
        "fc6": [seconds * 3 / 4] * repeats,
    }


def test_every_repeat_is_kept_in_order():
    durations = iter([9.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    assert repeat(lambda: {"step": next(durations)}) == {"step": [1, 2, 3, 4, 5]}
