"""The claims ledger as a table: numbers for ``claims.csv``, words for readers."""

import pandas as pd

from frcn.report.claims import Ruling
from frcn.report.paper import OriginalNoise
from frcn.report.table import EMPTY, Table, rounded, signed, signed_seconds, times
from frcn.report.timing import APPROXIMATE

NOTES = [
    "Numbers are effects: the first of the two cells that claims.csv names less the second, in "
    "points of mAP, or in seconds where the claim is about time. n: seeds. Verdicts judge the "
    "direction, not words such as 'slightly'.",
    "Intervals of mAP are of a paired bootstrap over the test images, widened by the noise of "
    "training in table_training_noise. Claims on two cells that go back to one training are of "
    "all seeds that both have; with one seed they hold for that network alone. Intervals of "
    "seconds are of the spread over seeds, and one seed is too few.",
    "The best smaller count of proposals is chosen on the test images that then judge it, which "
    "favours the claim that more do not help.",
    "Claims about the paper's scale rest on the measurements of table_timing, whichever the "
    "profile: × is a ratio of seconds, n are repeats, and the interval is of the ratios of all "
    "pairs of repeats. ≈ has an extrapolated side: the interval has the spread of what it was "
    "computed from, not the error of that. A training is its steps, each as long as those that "
    "were timed; a step on 128 images lies on a line through steps on 1, 2 and 4.",
    "Claims about the time of proposals rest on benchmarks/proposals.py: n are pictures, and the "
    "interval is of a bootstrap over them, which makes that of few pictures too narrow. Both of "
    "OpenCV's methods are written plainly; ours is compiled for speed, so that it tells of our "
    "code, not of the method.",
    "* within the original's own noise: its author's re-runs of one setting gave {}.",
    "claims.csv also has the command that decides a claim anew, and the runs in MLflow that show "
    "it.",
]


def claims_frame(rulings: list[Ruling]) -> pd.DataFrame:
    """``claims.csv``: paper, ours, low and high are effects; n is the number of seeds.

    Of a claim about the paper's scale n is the number of repeats, of one about the time of
    proposals that of pictures. ``cells`` are the two sides, ``mlflow_runs`` all runs that decide
    the claim, ``command`` regenerates it.
    """
    return pd.DataFrame([_numbers(ruling) for ruling in rulings])


def _numbers(ruling: Ruling) -> dict:
    low, high = ruling.effect.interval or (None, None)
    return {
        "claim": ruling.claim.claim,
        "source": ruling.source,
        "paper": rounded(ruling.published),
        "ours": rounded(ruling.effect.value),
        "low": rounded(low),
        "high": rounded(high),
        "n": ruling.effect.n,
        "verdict": str(ruling.verdict),
        "cells": " ".join(ruling.cells),
        "command": ruling.origin.command,
        "mlflow_experiment": ruling.origin.experiment,
        "mlflow_runs": " ".join(ruling.origin.runs),
        "network": ruling.network or "",
    }


def claims_table(rulings: list[Ruling], original: OriginalNoise) -> Table:
    """The ledger for readers: one line per claim and network."""
    return Table(
        name="claims",
        title="Claims of the talk and the paper",
        source="",
        frame=claims_frame(rulings),
        headers=["claim", "verdict", "network", "paper", "ours [95 % interval]", "n", "source"],
        rows=[_words(ruling) for ruling in rulings],
        notes=[note.format(original.words) for note in NOTES],
        words=("claim", "verdict", "network", "source"),
    )


def _words(ruling: Ruling) -> list[str]:
    effect = ruling.effect
    ours = (APPROXIMATE if effect.extrapolated else "") + _effect_words(ruling, effect.value)
    if effect.interval:
        low, high = (_effect_words(ruling, bound).removeprefix("×") for bound in effect.interval)
        ours += f" [{low}, {high}]"
    return [
        ruling.claim.claim,
        str(ruling.verdict),
        ruling.network or EMPTY,
        _effect_words(ruling, ruling.published, 2) + (" *" if ruling.within_noise else ""),
        ours,
        str(effect.n),
        ruling.source,
    ]


def _effect_words(ruling: Ruling, effect: float | None, digits_of_seconds: int = 4) -> str:
    """An effect in the unit of its metric."""
    match ruling.claim.metric:
        case "map":
            return signed(effect)
        case "test_seconds":
            return EMPTY if effect is None else f"{signed(effect, digits_of_seconds)} s"
        case "train_seconds":
            return signed_seconds(effect)
        case "timing_fc_share":
            return EMPTY if effect is None else f"{effect:.0f} %"
        case _:
            return times(effect)
