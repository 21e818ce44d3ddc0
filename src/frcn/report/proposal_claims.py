"""Effects of claims about the seconds of a picture's proposals, which a benchmark measures.

All methods are timed on the same pictures in one run: the interval is over the pictures.
"""

import numpy as np
import pandas as pd

from frcn.evaluation.bootstrap import resample_weights
from frcn.report.effect import NOT_MEASURED, Effect
from frcn.report.paper import PROPOSAL_METHODS, Claim

WIDTH = "500"
"""Pixels: pictures of VOC07 are about so wide."""
RESAMPLES = 10_000


def proposal_effect(claim: Claim, times: pd.DataFrame | None) -> Effect:
    """Ratio of the mean seconds of two methods; its interval is of a bootstrap over the pictures.

    Args:
        claim: names the methods.
        times: ``proposals-<profile>.csv``, or None where the benchmark was not run. One that
            lacks the methods, the width or the pictures' own seconds, or has them of more
            pictures for one method than for the other, decides nothing.
    """
    if times is None or "seconds_of_pictures" not in times:
        return NOT_MEASURED
    rows = times[times["width"] == WIDTH].set_index("method")["seconds_of_pictures"].dropna()
    methods = [PROPOSAL_METHODS[side] for side in (claim.a, claim.b)]
    if not set(methods) <= set(rows.index):
        return NOT_MEASURED
    a, b = (np.array(rows[method].split(), dtype=np.float64) for method in methods)
    if len(a) != len(b):
        return NOT_MEASURED
    drawn = resample_weights(0, len(a), RESAMPLES)
    return Effect.of_repeats(
        value=float(a.mean() / b.mean()), values=(drawn @ a) / (drawn @ b), n=len(a)
    )
