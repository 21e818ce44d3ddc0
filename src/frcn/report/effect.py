"""The size of an effect, as measured."""

from dataclasses import dataclass

import numpy as np

from frcn.evaluation.bootstrap import interval

MIN_REPEATS = 2


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
