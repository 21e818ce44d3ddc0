"""The noise of training: its interval by hand and by simulation, and what it does to claims."""

from math import hypot, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcn.report.readme import update_readme
from frcn.report.training_noise import TrainingNoise, training_noise

# Student's t of 0.975 for 2 and for 4 degrees of freedom.
T2, T4 = 4.302653, 2.776445
LAYERS = "Fine-tuning the conv layers helps"
SVD = "Truncated SVD costs less than one point"
SECONDS = "Fast R-CNN trains faster than R-CNN (seconds, this profile)"
finite = st.floats(-50, 50)


@pytest.fixture
def noisy(world):
    """``default`` with five seeds, of deviation sqrt(2.5), and a cell that it beats by 5 points."""
    for seed, value in enumerate([60.0, 61.0, 62.0, 59.0, 58.0]):
        world.run("default", value, seed, noise=0.01)
    world.run("fc_only", 55.0, noise=0.01)
    return world


def test_half_width_by_hand():
    noise = TrainingNoise("XS", (0, 1, 2), (60.0, 61.0, 62.0))
    assert noise.deviation == 1
    assert noise.half_width(1) == pytest.approx(T2 * sqrt(2), abs=1e-5)
    assert noise.half_width(2) == pytest.approx(T2, abs=1e-5)


def test_two_fresh_trainings_differ_by_no_more_in_95_of_100_cases():
    generator = np.random.default_rng(0)
    repeats, pairs = generator.normal(60, 1.3, (4000, 5)), generator.normal(60, 1.3, (4000, 2))
    halves = [TrainingNoise("XS", (0, 1, 2, 3, 4), tuple(row)).half_width(1) for row in repeats]
    covered = np.mean(np.abs(pairs[:, 0] - pairs[:, 1]) <= halves)
    assert covered == pytest.approx(0.95, abs=0.015)


@given(value=finite, low=finite, high=finite, n=st.integers(1, 5))
def test_an_interval_is_widened_on_both_sides(value, low, high, n):
    low, high = sorted((low, high))
    noise = TrainingNoise("XS", (0, 1, 2), (60.0, 61.0, 62.0))
    half = noise.half_width(n)
    wider = noise.widened(value, (low, high), n)
    # A bootstrap's interval need not contain the value; its far side then counts as none.
    expected = hypot(max(0, value - low), half), hypot(max(0, high - value), half)
    assert (value - wider[0], wider[1] - value) == pytest.approx(expected)
    assert wider[0] <= value - half and value + half <= wider[1]


def test_a_claim_on_two_trainings_holds_their_noise(noisy):
    before = pd.read_csv(noisy.build() / "claims.csv").set_index("claim").loc[LAYERS]
    assert before.verdict == "reproduced"
    out = noisy.build(noise_seeds=range(5))
    row = pd.read_csv(out / "claims.csv").set_index("claim").loc[LAYERS]
    half = T4 * sqrt(2.5) * sqrt(2)
    assert (row.ours, row.n) == (5.0, 1)
    assert (row.low, row.high) == pytest.approx((5 - half, 5 + half), abs=0.01)
    assert row.verdict == "not distinguishable at this size"
    stages = row.command.split('"')[1].split()
    assert stages == [
        *("score@mini-XS-default-0", "score@mini-XS-fc_only-0"),
        *(f"score@mini-XS-default-{seed}" for seed in range(1, 5)),
    ]
    # Of the seeds for the noise no other table has anything.
    assert pd.read_csv(out / "cells.csv")["seed"].unique().tolist() == [0]


def test_claims_on_one_training_and_on_seconds_are_as_without(noisy):
    noisy.run("svd", 59.5, noise=0.01)
    noisy.run("rcnn", 66.0, noise=0.01)
    without = pd.read_csv(noisy.build() / "claims.csv").set_index("claim")
    with_noise = pd.read_csv(noisy.build(noise_seeds=range(5)) / "claims.csv").set_index("claim")
    for claim in (SVD, SECONDS):
        pd.testing.assert_series_equal(without.loc[claim], with_noise.loc[claim])


def test_the_table_has_ours_beside_the_originals(noisy):
    out = noisy.build(noise_seeds=range(5))
    (row,) = pd.read_csv(out / "table_training_noise.csv").to_dict("records")
    assert (row["ours_map"], row["ours_n"], row["seeds"]) == (60.0, 5, "0 1 2 3 4")
    assert row["ours_map_sd"] == pytest.approx(sqrt(2.5), abs=1e-6)
    assert (row["ours_map_min"], row["ours_map_max"]) == (58.0, 62.0)
    assert row["ours_difference"] == pytest.approx(T4 * sqrt(2.5) * sqrt(2), abs=1e-4)
    words = (out / "table_training_noise.md").read_text()
    assert "66.9; 67.2 ± 0.2" in words and "60.0 ± 1.6" in words
    readme = noisy.root / "README.md"
    readme.write_text("<!-- results:begin -->\n<!-- results:end -->\n")
    update_readme(readme, noisy.root / "results")
    assert "mAP of 5 trainings of `default` 60.0 ± 1.6" in readme.read_text()


def test_seeds_of_the_profile_tell_the_noise_too(world):
    for seed, value in enumerate([60.0, 61.0, 62.0]):
        world.run("default", value, seed)
    cells = world.cells(seeds=[0, 1, 2])
    assert training_noise(cells.repeated["XS"]) == TrainingNoise(
        "XS", (0, 1, 2), (60.0, 61.0, 62.0)
    )


def test_one_training_tells_no_noise(world):
    world.run("default", 60.0)
    assert world.cells().repeated == {}
    # Asked for, but not run.
    assert training_noise(world.cells(noise_seeds=[0, 1]).repeated["XS"]) is None
    assert not (world.build(noise_seeds=[0, 1]) / "table_training_noise.csv").exists()
