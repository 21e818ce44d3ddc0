"""The noise of training: its interval by hand and by simulation, and what it does to claims."""

import json
from math import hypot, sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcn.report.claims import judge
from frcn.report.paper import load_paper
from frcn.report.provenance import provenance
from frcn.report.readme import update_readme
from frcn.report.training_noise import TrainingNoise, training_noise

# Student's t of 0.975 for 2 and for 4 degrees of freedom.
T2, T4 = 4.302653, 2.776445
LAYERS = "Fine-tuning the conv layers helps"
SVD = "Truncated SVD costs less than one point"
STAGE_WISE = "Box regression helps a stage-wise network"
SECONDS = "Fast R-CNN trains faster than R-CNN (seconds, this profile)"
PAPER = Path(__file__).parents[2] / "conf/paper"
finite = st.floats(-50, 50)
MAPS = (60.0, 61.0, 62.0, 59.0, 58.0)
LOSSES = (0.5, 0.4, 0.7, 0.2, 0.7)


@pytest.fixture
def noisy(world):
    """``default`` with five seeds, of deviation sqrt(2.5), and a cell that it beats by 5 points."""
    for seed, value in enumerate(MAPS):
        world.run("default", value, seed, noise=0.01)
    world.run("fc_only", 55.0, noise=0.01)
    return world


def test_half_width_by_hand():
    noise = TrainingNoise("XS", ("default",), (0, 1, 2), (60.0, 61.0, 62.0))
    assert noise.deviation == 1
    assert noise.half_width(1) == pytest.approx(T2 * sqrt(2), abs=1e-5)
    assert noise.half_width(2) == pytest.approx(T2, abs=1e-5)


def test_a_difference_has_the_noise_of_both_cells_already():
    noise = TrainingNoise("XS", ("default", "svd"), (0, 1, 2), (3.0, 4.0, 5.0))
    assert noise.half_width(1) == pytest.approx(T2, abs=1e-5)
    assert noise.half_width(4) == pytest.approx(T2 / 2, abs=1e-5)


def test_two_fresh_trainings_differ_by_no_more_in_95_of_100_cases():
    generator = np.random.default_rng(0)
    repeats, pairs = generator.normal(60, 1.3, (4000, 5)), generator.normal(60, 1.3, (4000, 2))
    noises = [TrainingNoise("XS", ("default",), (0, 1, 2, 3, 4), tuple(row)) for row in repeats]
    halves = [noise.half_width(1) for noise in noises]
    covered = np.mean(np.abs(pairs[:, 0] - pairs[:, 1]) <= halves)
    assert covered == pytest.approx(0.95, abs=0.015)


@given(value=finite, low=finite, high=finite, n=st.integers(1, 5))
def test_an_interval_is_widened_on_both_sides(value, low, high, n):
    low, high = sorted((low, high))
    noise = TrainingNoise("XS", ("default",), (0, 1, 2), (60.0, 61.0, 62.0))
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


def test_a_claim_on_one_training_is_of_the_differences_of_all_seeds(noisy):
    for seed, (value, loss) in enumerate(zip(MAPS, LOSSES, strict=True)):
        noisy.run("svd", value - loss, seed, noise=0.01)
    out = noisy.build(noise_seeds=range(5), repeated=("default", "svd"))
    row = pd.read_csv(out / "claims.csv").set_index("claim").loc[SVD]
    half = T4 * np.std(LOSSES, ddof=1) / sqrt(5)
    assert (row.ours, row.n) == (pytest.approx(0.5), 5)
    assert (row.low, row.high) == pytest.approx((0.5 - half, 0.5 + half), abs=0.01)
    stages = row.command.split('"')[1].split()
    wanted = [f"score@mini-XS-{name}-{seed}" for name in ("default", "svd") for seed in range(5)]
    assert stages == wanted
    assert row.mlflow_runs.split() == [stage.removeprefix("score@mini-") for stage in wanted]


def test_only_seeds_that_both_cells_scored_tell_the_noise_of_their_difference(noisy):
    for seed, loss in ((0, 0.5), (2, 0.7), (3, 0.6)):
        noisy.run("svd", MAPS[seed] - loss, seed, noise=0.01)
    # A test split without any object has no mAP.
    score = noisy.root / "artefacts/mini/score/XS-svd-3/score.json"
    score.write_text(json.dumps(json.loads(score.read_text()) | {"map_11pt": None}))
    cells = noisy.cells(noise_seeds=range(5), repeated=("default", "svd"))
    noise = training_noise(cells.repeated["XS", "default"], cells.repeated["XS", "svd"])
    assert (noise.experiments, noise.seeds) == (("default", "svd"), (0, 2))
    assert noise.values == pytest.approx((0.5, 0.7))
    # The other way round it is of the other sign, and as wide.
    turned = training_noise(cells.repeated["XS", "svd"], cells.repeated["XS", "default"])
    assert turned.values == pytest.approx((-0.5, -0.7))
    assert turned.half_width(2) == pytest.approx(noise.half_width(2))


def test_cells_go_back_to_the_training_of_their_first_ancestor(world):
    for name in ("default", "svd", "svm", "no_bbox_reg", "piecewise"):
        world.run(name, 60.0)
    cells = world.cells()
    of = {name: cells.training_of(cells.get("XS", name)) for _, name in cells.cells}
    assert of == {
        **dict.fromkeys(("default", "svd", "svm"), "default"),
        **dict.fromkeys(("no_bbox_reg", "piecewise"), "no_bbox_reg"),
    }


def test_seeds_of_the_profile_tell_the_noise_of_any_shared_training(world):
    for seed, (value, gain) in enumerate([(58.0, 3.0), (59.0, 3.2), (57.5, 3.4)]):
        world.run("no_bbox_reg", value, seed, noise=0.01)
        world.run("piecewise", value + gain, seed, noise=0.01)
    row = (
        pd.read_csv(world.build(seeds=[0, 1, 2]) / "claims.csv").set_index("claim").loc[STAGE_WISE]
    )
    half = T2 * 0.2 / sqrt(3)
    assert (row.ours, row.n) == (pytest.approx(3.2), 3)
    assert (row.low, row.high) == pytest.approx((3.2 - half, 3.2 + half), abs=0.01)


def test_claims_without_further_seeds_and_on_seconds_are_as_without_noise(noisy):
    for name, value in (("svd", 59.5), ("piecewise", 61.0), ("no_bbox_reg", 58.0), ("rcnn", 66.0)):
        noisy.run(name, value, noise=0.01)
    without = pd.read_csv(noisy.build() / "claims.csv").set_index("claim")
    # SVD was to be repeated, and was not run with these seeds.
    out = noisy.build(noise_seeds=range(5), repeated=("default", "svd"))
    with_noise = pd.read_csv(out / "claims.csv").set_index("claim")
    for claim in (STAGE_WISE, SECONDS):
        pd.testing.assert_series_equal(without.loc[claim], with_noise.loc[claim])
    measured = ["ours", "low", "high", "n", "verdict"]
    pd.testing.assert_series_equal(without.loc[SVD, measured], with_noise.loc[SVD, measured])


def test_each_network_has_its_own_noise(make_world):
    world = make_world("voc07")
    for network, apart in (("S", 0.1), ("L", 2.0)):
        for seed in range(3):
            world.run("default", 60.0 + apart * seed, seed, network=network, noise=0.01)
        world.run("fc_only", 50.0, network=network, noise=0.01)
    out = world.build(noise_seeds=range(3))
    rows = pd.read_csv(out / "claims.csv").set_index("claim").loc[LAYERS].set_index("network")
    for network, apart in (("S", 0.1), ("L", 2.0)):
        half = (rows.loc[network, "high"] - rows.loc[network, "low"]) / 2
        assert half == pytest.approx(T2 * apart * sqrt(2), abs=0.02)
    table = pd.read_csv(out / "table_training_noise.csv")
    assert table["network"].tolist() == ["S", "L"]


def test_several_seeds_of_the_profile_have_the_noise_of_their_mean(world):
    for seed, value in enumerate(MAPS):
        world.run("default", value, seed, noise=0.01)
    for seed, value in enumerate([54.0, 57.0]):
        world.run("fc_only", value, seed, noise=0.01)
    cells = world.cells(seeds=[0, 1], noise_seeds=range(5))
    claims = load_paper(PAPER).claims
    (ruling,) = [r for r in judge(claims, cells) if r.claim.claim == LAYERS]
    half = T4 * np.std(MAPS, ddof=1)  # of two trainings a cell: √(2 / 2)
    assert (ruling.effect.value, ruling.effect.n) == (5.0, 2)
    assert ruling.effect.interval == pytest.approx((5 - half, 5 + half), abs=0.02)


def test_provenance_counts_the_runs_for_the_noise(noisy):
    noisy.run("svd", 59.5, 1)
    found = dict(provenance(noisy.cells(noise_seeds=range(5), repeated=("default", "svd"))))
    # Cells × seeds are default, fc_only and svd; four seeds more of two of them.
    assert found["Runs"] == "7 of 11"
    assert found["Seeds"].endswith("also 1, 2, 3, 4 of default, svd")
    noisy.run("default", 58.1, 4)
    again = dict(provenance(noisy.cells(noise_seeds=range(5), repeated=("default", "svd"))))
    assert again["Fingerprint"] != found["Fingerprint"]


def test_the_table_has_ours_beside_the_originals(noisy):
    out = noisy.build(noise_seeds=range(5))
    (row,) = pd.read_csv(out / "table_training_noise.csv").to_dict("records")
    assert row["experiment"] == "default"
    assert (row["ours_map"], row["ours_n"], row["seeds"]) == (60.0, 5, "0 1 2 3 4")
    assert row["ours_map_sd"] == pytest.approx(sqrt(2.5), abs=1e-6)
    assert (row["ours_map_min"], row["ours_map_max"]) == (58.0, 62.0)
    assert row["ours_half_width"] == pytest.approx(T4 * sqrt(2.5) * sqrt(2), abs=1e-4)
    words = (out / "table_training_noise.md").read_text()
    assert "66.9; 67.2 ± 0.2" in words and "60.0 ± 1.6" in words
    for seed, value in enumerate([59.0, 60.5, 61.0, 58.0, 57.0]):
        noisy.run("svd", value, seed)
    out = noisy.build(noise_seeds=range(5), repeated=("default", "svd"))
    _, row = pd.read_csv(out / "table_training_noise.csv").to_dict("records")
    assert (row["experiment"], row["ours_map"]) == ("default svd", 0.9)
    assert (row["ours_map_min"], row["ours_map_max"]) == (0.5, 1.0)
    words = (out / "table_training_noise.md").read_text()
    assert "| default − svd" in words and "+0.9 ± 0.2" in words and "+0.5 to +1.0" in words
    assert row["ours_half_width"] == pytest.approx(T4 * sqrt(0.05 / 5), abs=1e-4)
    readme = noisy.root / "README.md"
    readme.write_text("<!-- results:begin -->\n<!-- results:end -->\n")
    update_readme(readme, noisy.root / "results")
    assert "mAP of 5 trainings of `default` 60.0 ± 1.6" in readme.read_text()


def test_seeds_of_the_profile_tell_the_noise_too(world):
    for seed, value in enumerate([60.0, 61.0, 62.0]):
        world.run("default", value, seed)
    cells = world.cells(seeds=[0, 1, 2])
    assert training_noise(cells.repeated["XS", "default"]) == TrainingNoise(
        "XS", ("default",), (0, 1, 2), (60.0, 61.0, 62.0)
    )


def test_one_training_tells_no_noise(world):
    world.run("default", 60.0)
    assert world.cells().repeated == {}
    # Asked for, but not run.
    assert training_noise(world.cells(noise_seeds=[0, 1]).repeated["XS", "default"]) is None
    assert not (world.build(noise_seeds=[0, 1]) / "table_training_noise.csv").exists()
