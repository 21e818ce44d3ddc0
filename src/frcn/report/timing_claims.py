"""Effects of claims that measurements at the paper's scale decide.

There are no test images to resample: the interval is over the repeats of the measurement.
"""

import numpy as np

from frcn.report.effect import NOT_MEASURED, Effect
from frcn.report.paper import STEP_IMAGES, Claim
from frcn.report.timing import FC, is_extrapolated, repeats
from frcn.timing.measurements import Timing

PHASES = {"timing_test": "total", "timing_train": "training", "timing_step": "step"}


def timing_effect(claim: Claim, measured: Timing) -> Effect:
    """The effect on a network that was timed."""
    if claim.metric == "timing_fc_share":
        return _fc_share(measured, claim.a)
    (a, a_extrapolated), (b, b_extrapolated) = (
        _seconds(claim, side, measured) for side in (claim.a, claim.b)
    )
    if not a or not b:
        return NOT_MEASURED
    ratios = np.divide.outer(a, b).ravel()
    return Effect.of_repeats(
        value=float(np.median(a) / np.median(b)),
        values=ratios,
        n=min(len(a), len(b)),
        extrapolated=a_extrapolated or b_extrapolated,
    )


def _seconds(claim: Claim, side: str, measured: Timing) -> tuple[list[float], bool]:
    """Every repeat of a side of a ratio, and whether it is extrapolated."""
    if side in STEP_IMAGES:
        for step in measured.steps:
            if step.images == STEP_IMAGES[side]:
                return step.seconds, step.extrapolated
        return [], False
    phase = PHASES[claim.metric]
    return repeats(measured, side, phase), is_extrapolated(measured, side, phase)


def _fc_share(measured: Timing, system: str) -> Effect:
    """Percent of the forward pass that fc6 and fc7 take, of medians; the interval is of passes."""
    phases = [repeats(measured, system, phase) for phase in (*FC, "total")]
    if not all(phases):
        return NOT_MEASURED
    shares = [100 * (fc6 + fc7) / total for fc6, fc7, total in zip(*phases, strict=True)]
    fc6, fc7, total = map(np.median, phases)
    return Effect.of_repeats(
        value=float(100 * (fc6 + fc7) / total),
        values=np.array(shares),
        n=len(shares),
        extrapolated=is_extrapolated(measured, system, "total"),
    )
