"""Effects of claims that measurements at the paper's scale decide.

There are no test images to resample: the interval is over the repeats of the measurement.
"""

import numpy as np

from frcn.evaluation.bootstrap import interval
from frcn.report.paper import Claim
from frcn.report.timing import FC, repeats
from frcn.timing.measurements import Timing

PHASES = {"timing_test": "total", "timing_train": "training"}
MIN_REPEATS = 2
Effect = tuple[float | None, tuple[float, float] | None, int]


def timing_effect(claim: Claim, measured: Timing) -> Effect:
    """Effect, its 95 % interval and the number of repeats; (None, None, 0) where not measured.

    The interval is None of fewer than two repeats.
    """
    if claim.metric == "timing_fc_share":
        return _fc_share(measured, claim.a)
    phase = PHASES[claim.metric]
    return _ratio(repeats(measured, claim.a, phase), repeats(measured, claim.b, phase))


def _ratio(a: list[float], b: list[float]) -> Effect:
    """Ratio of the medians; its interval is of the ratios of all pairs of repeats."""
    if not a or not b:
        return None, None, 0
    ratios = np.divide.outer(a, b).ravel()
    return float(np.median(a) / np.median(b)), *_bounds(ratios, min(len(a), len(b)))


def _fc_share(measured: Timing, system: str) -> Effect:
    """Percent of the forward pass that fc6 and fc7 take, of medians; the interval is of passes."""
    phases = [repeats(measured, system, phase) for phase in (*FC, "total")]
    if not all(phases):
        return None, None, 0
    shares = [100 * (fc6 + fc7) / total for fc6, fc7, total in zip(*phases, strict=True)]
    fc6, fc7, total = map(np.median, phases)
    return float(100 * (fc6 + fc7) / total), *_bounds(np.array(shares), len(shares))


def _bounds(values: np.ndarray, n: int) -> tuple[tuple[float, float] | None, int]:
    return (interval(values) if n >= MIN_REPEATS else None), n
