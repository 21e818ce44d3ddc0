"""The bootstrap against its meaning: scoring a data set in which drawn images stand repeatedly."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frcn.evaluation.bootstrap import (
    bootstrap_map,
    interval,
    paired_difference,
    resample_weights,
)
from frcn.evaluation.voc_ap import evaluate, match

N_IMAGES = 6


def _random_case(seed, make_dataset, make_detections):
    """Objects of three classes, and detections of which about half sit on an object."""
    rng = np.random.default_rng(seed)
    names = ["cat", "dog", "emu"]

    def box():
        x, y, w, h = rng.integers(0, 20, 4)
        return (x, y, x + w, y + h)

    objects = {
        str(i): [
            (str(rng.choice(names)), box(), rng.random() < 0.2) for _ in range(rng.integers(4))
        ]
        for i in range(N_IMAGES)
    }
    rows = [
        (i, name, rng.random(), found if rng.random() < 0.7 else box())
        for i, things in objects.items()
        for name, found, _ in [*things, *things, ("emu", box(), False)]
    ]
    return names, objects, make_dataset(names, objects), make_detections(*rows)


def _slow_map(names, objects, detections, weights, make_dataset):
    copies = {
        f"{i}-{copy}": objects[i]
        for i, weight in zip(objects, weights, strict=True)
        for copy in range(weight)
    }
    rows = [
        {**row, "image_id": f"{row['image_id']}-{copy}"}
        for row in detections.to_dict("records")
        for copy in range(weights[list(objects).index(row["image_id"])])
    ]
    table = pd.DataFrame(rows, columns=detections.columns)
    return evaluate(table, make_dataset(names, copies)).map_11pt


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_resample_is_the_data_set_with_images_repeated(make_dataset, make_detections, seed):
    names, objects, dataset, detections = _random_case(seed, make_dataset, make_detections)
    weights = resample_weights(seed, N_IMAGES, 5)
    ours = bootstrap_map(match(detections, dataset), weights)
    for value, weight in zip(ours, weights, strict=True):
        expected = _slow_map(names, objects, detections, weight, make_dataset)
        assert value == pytest.approx(np.nan if expected is None else expected, nan_ok=True)


def test_weight_one_everywhere_gives_the_map(make_dataset, make_detections):
    _, _, dataset, detections = _random_case(3, make_dataset, make_detections)
    once = np.ones((1, N_IMAGES), np.int32)
    evaluation = evaluate(detections, dataset)
    assert bootstrap_map(evaluation.matches, once) == pytest.approx([evaluation.map_11pt])


def test_a_class_absent_from_a_resample_is_left_out(make_dataset, make_detections):
    box = (0, 0, 9, 9)
    objects = {"a": [("cat", box, False)], "b": [("dog", box, False)], "c": []}
    detections = make_detections(("a", "cat", 0.9, box), ("a", "dog", 0.9, box))
    matches = match(detections, make_dataset(["cat", "dog"], objects))
    ours = bootstrap_map(matches, np.array([[1, 1, 1], [3, 0, 0], [0, 3, 0], [0, 0, 3]]))
    assert ours == pytest.approx([50, 100, 0, np.nan], nan_ok=True)


def test_weights_depend_on_seed_and_sizes_only():
    weights = resample_weights(0, 40, 500)
    assert weights.shape == (500, 40)
    assert (weights.sum(axis=1) == 40).all()
    assert np.array_equal(weights, resample_weights(0, 40, 500))
    assert not np.array_equal(weights, resample_weights(1, 40, 500))
    # Each count is binomial(40, 1/40): mean 1, variance 0.975.
    assert weights.mean(axis=0) == pytest.approx(np.ones(40), abs=0.25)
    assert weights.var() == pytest.approx(0.975, abs=0.05)


def test_interval_is_the_central_95_percent():
    assert interval(np.arange(1001.0)) == pytest.approx((25, 975))
    assert interval(np.arange(1001.0), level=0.5) == pytest.approx((250, 750))


@pytest.mark.parametrize("samples", [[], [1.0, np.nan]])
def test_interval_refuses_what_says_nothing(samples):
    with pytest.raises(ValueError, match="none of them NaN"):
        interval(np.array(samples))


def test_differences_are_paired_and_seeds_averaged():
    a, b = np.array([3.0, 5.0]), np.array([1.0, 9.0])
    assert paired_difference(a, b).tolist() == [2, -4]
    assert paired_difference(np.stack([a, a + 2]), b).tolist() == [3, -3]
    with pytest.raises(ValueError, match="can't be paired"):
        paired_difference(a, b[:1])
