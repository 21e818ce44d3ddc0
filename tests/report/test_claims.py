"""Claims: the effect, its interval and the verdict, from artefacts written by hand."""

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.usefixtures("no_charts")


def _claims(world, seeds=(0,)):
    return pd.read_csv(world.build(seeds) / "claims.csv").set_index("claim")


LAYERS = "Fine-tuning the conv layers helps"
CONV2 = "Fine-tuning conv2 as well adds little"
FASTER = "Truncated SVD makes detection faster (seconds per image)"
MORE_PROPOSALS = "More proposals do not help (most against the best smaller count)"


def test_columns_are_the_published_ones(world):
    world.run("default", 60.0)
    frame = pd.read_csv(world.build() / "claims.csv")
    assert ",".join(frame) == "claim,source,paper,ours,low,high,n,verdict,cells"


def test_a_clear_effect_is_reproduced_with_a_paired_interval(world):
    world.run("default", 60.0)
    world.run("fc_only", 50.0)
    row = _claims(world).loc[LAYERS]
    scores = world.root / "artefacts/mini/score"
    difference = np.load(scores / "XS-default-0/bootstrap.npy") - np.load(
        scores / "XS-fc_only-0/bootstrap.npy"
    )
    np.testing.assert_allclose(
        [row.low, row.high], np.percentile(difference, [2.5, 97.5]), atol=1e-6
    )
    assert (row.ours, row.paper, row.n) == (10.0, 5.5, 1)
    assert row.verdict == "reproduced"
    assert row.cells == "XS-default XS-fc_only"
    assert row.source.endswith("column L")


@pytest.mark.parametrize(
    ("other", "verdict"),
    [(70.0, "contradicted"), (60.1, "not distinguishable at this size")],
)
def test_the_other_verdicts(world, other, verdict):
    world.run("default", 60.0)
    world.run("fc_only", other)
    assert _claims(world).loc[LAYERS, "verdict"] == verdict


@pytest.mark.parametrize(
    ("value", "noise", "verdict"),
    [
        (60.1, 0.01, "reproduced"),
        (63.0, 0.01, "contradicted"),
        (60.1, 3.0, "not distinguishable at this size"),
    ],
)
def test_a_claim_of_no_difference_needs_an_interval_inside_its_margin(world, value, noise, verdict):
    world.run("default", 60.0, noise=noise)
    world.run("conv2_up", value, noise=noise)
    assert _claims(world).loc[CONV2, "verdict"] == verdict


def test_a_claim_without_its_cells_is_not_run(world):
    world.run("default", 60.0)
    world.configure("fc_only")
    claims = _claims(world)
    for name in (LAYERS, CONV2, MORE_PROPOSALS):
        assert claims.loc[name, "verdict"] == "not run"
        assert np.isnan(claims.loc[name, "ours"])
        assert claims.loc[name, "n"] == 0


def test_only_seeds_that_both_cells_have_count(world):
    for seed, value in enumerate([60.0, 62.0, 70.0]):
        world.run("default", value, seed)
    world.run("fc_only", 50.0, 0)
    world.run("fc_only", 51.0, 1)
    row = _claims(world, seeds=[0, 1, 2]).loc[LAYERS]
    assert row.n == 2
    assert row.ours == pytest.approx((10 + 11) / 2)


def test_seconds_of_one_seed_are_too_few(world):
    world.run("default", 60.0, seconds=0.03)
    world.run("svd", 60.0, seconds=0.02)
    row = _claims(world).loc[FASTER]
    assert row.verdict == "too few runs"
    assert row.ours == pytest.approx(-0.01)
    assert row.paper == pytest.approx(-0.1)
    assert np.isnan(row.low)


def test_seconds_of_several_seeds_get_students_interval(world):
    for seed, difference in enumerate([0.010, 0.011, 0.012]):
        world.run("default", 60.0, seed, seconds=0.03)
        world.run("svd", 60.0, seed, seconds=0.03 - difference)
    row = _claims(world, seeds=[0, 1, 2]).loc[FASTER]
    # t(0.975, 2) = 4.302653; the standard deviation of the differences is 0.001.
    half = 4.302653 * 0.001 / 3**0.5
    assert (row.low, row.high) == pytest.approx((-0.011 - half, -0.011 + half), abs=1e-6)
    assert row.verdict == "reproduced"


def test_most_proposals_are_held_against_the_best_smaller_count(world):
    world.run("proposals_2k", 60.0, proposals=100, noise=0.01)
    world.run("proposals_1k", 62.0, proposals=50, noise=0.01)
    world.run("proposals_10k", 60.5, proposals=200, noise=0.01)
    row = _claims(world).loc[MORE_PROPOSALS]
    assert row.cells == "XS-proposals_10k XS-proposals_1k"
    assert row.ours == pytest.approx(-1.5)
    assert row.verdict == "reproduced"


def test_each_network_of_a_profile_is_judged_by_its_own_column(make_world):
    world = make_world("voc07")
    for network, gain in (("S", 2.0), ("L", 3.0)):
        world.run("default", 60.0, network=network)
        world.run("no_bbox_reg", 60.0 - gain, network=network)
        world.run("multitask_no_bbox_reg", 60.0, network=network)
    rows = _claims(world).loc["Multi-task training helps classification"]
    assert rows["cells"].str.split("-").str[0].tolist() == ["S", "L"]
    assert rows["paper"].tolist() == [1.1, 0.8]
    assert rows["ours"].tolist() == pytest.approx([2.0, 3.0])


def test_effects_within_the_originals_noise_are_marked(world):
    world.run("default", 60.0)
    world.run("svm", 55.0)
    world.run("fc_only", 55.0)
    lines = (world.build() / "claims.md").read_text().splitlines()
    assert "+0.1 *" in next(line for line in lines if "Softmax slightly" in line)
    assert "*" not in next(line for line in lines if LAYERS in line)


def test_a_resample_without_objects_never_passes(world):
    world.run("default", 60.0)
    world.run("fc_only", 50.0)
    path = world.root / "artefacts/mini/score/XS-default-0/bootstrap.npy"
    samples = np.load(path)
    samples[3] = np.nan
    np.save(path, samples)
    row = _claims(world).loc[LAYERS]
    assert row.verdict == "too few runs"
