"""The size of an effect, as measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from frcn.evaluation.bootstrap import LEVEL, interval

MIN_REPEATS = 2
"""From so many values on there is a spread."""


@dataclass(frozen=True)
class Effect:
    """What decides a claim.

    Attributes:
        value: None where nothing was measured.
        interval: of 95 %; None where what was measured is too little for one.
        n: seeds, repeats or pictures that it rests on.
        extrapolated: a side was computed from a smaller measurement.
    """

    value: float | None
    interval: tuple[float, float] | None
    n: int
    extrapolated: bool = False

    @classmethod
    def of_repeats(
        cls, value: float, values: np.ndarray, n: int, extrapolated: bool = False
    ) -> "Effect":
        """An effect whose interval is that of ``values``, unless ``n`` repeats are too few."""
        bounds = interval(values) if n >= MIN_REPEATS else None
        return cls(value, bounds, n, extrapolated)


NOT_MEASURED = Effect(None, None, 0)


def students_half_width(values: Sequence[float]) -> float:
    """Half of the 95 % interval of one value whose deviation ``values`` tell: t times theirs.

    That of a mean of n is 1/√n of it. There are ``MIN_REPEATS`` values or more.
    """
    t = stdtrit(len(values) - 1, (1 + LEVEL) / 2)
    return float(t * np.std(values, ddof=1))
