"""Verdicts on claims, computed from an interval and the number of runs behind it."""

import math
from enum import StrEnum

Interval = tuple[float, float]


class Verdict(StrEnum):
    """What our numbers say about a claim."""

    REPRODUCED = "reproduced"
    CONTRADICTED = "contradicted"
    NOT_DISTINGUISHABLE = "not distinguishable at this size"
    TOO_FEW_RUNS = "too few runs"
    NOT_RUN = "not run"


def directional(
    difference: Interval | None, expected_sign: int, n_runs: int, min_runs: int = 1
) -> Verdict:
    """Verdict on "A beats B" (or the reverse), from an interval of the difference A - B.

    Reproduced when the interval lies wholly on the expected side of zero, contradicted when
    wholly on the other; touching zero is neither.

    Args:
        difference: low and high, from :func:`frcn.evaluation.bootstrap.interval` of paired
            differences; None when a cell of the claim wasn't run.
        expected_sign: 1 when the claim says A - B > 0, -1 when it says A - B < 0.
        n_runs: runs (seeds) that each side rests on, the smaller of the two.
        min_runs: fewer than these are too few.

    Raises:
        ValueError: a bound that is NaN, bounds in the wrong order, or a sign other than ±1.
    """
    if expected_sign not in (-1, 1):
        raise ValueError(f"expected_sign is 1 or -1, not {expected_sign!r}")
    lacking = _evidence_lacking(difference, n_runs, min_runs)
    if lacking or difference is None:
        return lacking or Verdict.NOT_RUN
    low, high = sorted(expected_sign * bound for bound in difference)
    if low > 0:
        return Verdict.REPRODUCED
    return Verdict.CONTRADICTED if high < 0 else Verdict.NOT_DISTINGUISHABLE


def equivalent(
    difference: Interval | None, within: float, n_runs: int, min_runs: int = 1
) -> Verdict:
    """Verdict on "A and B make no meaningful difference", which is one of up to ``within``.

    Reproduced when the interval lies inside ±``within``, contradicted when wholly outside.
    Other arguments and errors as :func:`directional`.

    Raises:
        ValueError: also when ``within`` isn't positive.
    """
    if not within > 0:
        raise ValueError(f"within is a positive number of points, not {within!r}")
    lacking = _evidence_lacking(difference, n_runs, min_runs)
    if lacking or difference is None:
        return lacking or Verdict.NOT_RUN
    low, high = difference
    if -within <= low and high <= within:
        return Verdict.REPRODUCED
    outside = low > within or high < -within
    return Verdict.CONTRADICTED if outside else Verdict.NOT_DISTINGUISHABLE


def _evidence_lacking(difference: Interval | None, n_runs: int, min_runs: int) -> Verdict | None:
    """NOT_RUN, TOO_FEW_RUNS, or None when the (checked) interval may be judged."""
    if difference is None or n_runs == 0:
        return Verdict.NOT_RUN
    low, high = difference
    if math.isnan(low) or math.isnan(high):
        raise ValueError(f"an interval with NaN can't be judged: {difference}")
    if low > high:
        raise ValueError(f"an interval goes from low to high: {difference}")
    return Verdict.TOO_FEW_RUNS if n_runs < min_runs else None
