"""Verdicts as a table of cases."""

import math

import pytest

from frcn.evaluation.verdict import Verdict, directional, equivalent


@pytest.mark.parametrize(
    ("difference", "sign", "verdict"),
    [
        ((0.1, 2.0), 1, "reproduced"),
        ((0.1, 2.0), -1, "contradicted"),
        ((-2.0, -0.1), 1, "contradicted"),
        ((-2.0, -0.1), -1, "reproduced"),
        ((-0.1, 2.0), 1, "not distinguishable at this size"),
        ((0.0, 2.0), 1, "not distinguishable at this size"),
        ((-2.0, 0.0), -1, "not distinguishable at this size"),
        ((0.0, 0.0), 1, "not distinguishable at this size"),
        (None, 1, "not run"),
    ],
)
def test_directional(difference, sign, verdict):
    assert directional(difference, sign, n_runs=1) == verdict


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [
        ((-0.5, 0.9), "reproduced"),
        ((-1.0, 1.0), "reproduced"),
        ((-0.5, 1.1), "not distinguishable at this size"),
        ((1.1, 2.0), "contradicted"),
        ((-2.0, -1.1), "contradicted"),
        ((-3.0, 3.0), "not distinguishable at this size"),
        (None, "not run"),
    ],
)
def test_equivalent(difference, verdict):
    assert equivalent(difference, within=1.0, n_runs=1) == verdict


def test_too_few_runs_come_before_any_finding():
    assert directional((1, 2), 1, n_runs=2, min_runs=3) is Verdict.TOO_FEW_RUNS
    assert equivalent((0, 0), 1.0, n_runs=2, min_runs=3) is Verdict.TOO_FEW_RUNS
    assert directional((1, 2), 1, n_runs=3, min_runs=3) is Verdict.REPRODUCED
    assert directional((1, 2), 1, n_runs=0) is Verdict.NOT_RUN
    assert equivalent((0, 0), 1.0, n_runs=0) is Verdict.NOT_RUN


@pytest.mark.parametrize("bounds", [(math.nan, 1.0), (0.5, math.nan), (math.nan, math.nan)])
def test_nan_never_passes(bounds):
    with pytest.raises(ValueError, match="NaN"):
        directional(bounds, 1, n_runs=3)
    with pytest.raises(ValueError, match="NaN"):
        equivalent(bounds, 1.0, n_runs=3)


def test_arguments_without_sense_are_refused():
    with pytest.raises(ValueError, match="low to high"):
        directional((2, 1), 1, n_runs=1)
    with pytest.raises(ValueError, match="expected_sign"):
        directional((1, 2), 0, n_runs=1)
    for within in (0, -1, math.nan):
        with pytest.raises(ValueError, match="within"):
            equivalent((1, 2), within, n_runs=1)
