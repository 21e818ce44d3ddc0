"""How often something is repeated."""

import pytest

from frcn.timing.clock import repeat


@pytest.mark.parametrize(("warm_up", "repeats"), [(10, 5), (10.5, 3)])
def test_the_first_pass_only_decides_how_often(warm_up, repeats):
    durations = iter([warm_up, 1, 2, 3, 4, 5])

    def run():
        seconds = next(durations)
        return {"conv": seconds / 4, "fc6": seconds * 3 / 4}

    expected = range(1, repeats + 1)
    assert repeat(run) == {
        "conv": [seconds / 4 for seconds in expected],
        "fc6": [seconds * 3 / 4 for seconds in expected],
    }
