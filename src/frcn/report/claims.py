"""The claims ledger: our effect beside the published one, an interval, and a verdict.

Effects on mAP are judged by a paired bootstrap over test images: it holds the networks as
trained and asks whether other test pictures could turn the sign. Effects on seconds have no
such resamples, and are judged by their spread over seeds; one seed is too few. Claims about the
paper's scale are judged by measurements of that scale (:mod:`frcn.report.timing_claims`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
from scipy import stats

from frcn.evaluation.bootstrap import interval, paired_difference
from frcn.evaluation.verdict import Verdict, directional, equivalent
from frcn.report.cells import CellRuns, Cells
from frcn.report.paper import BEST_FEWER_PROPOSALS, MOST_PROPOSALS, Claim, Claims
from frcn.report.table import EMPTY, Table, signed, signed_seconds, times
from frcn.report.timing import APPROXIMATE, is_extrapolated
from frcn.report.timing_claims import PHASES, timing_effect
from frcn.timing.measurements import Timing

NOTES = [
    "Numbers are effects: points of mAP, or seconds where the claim is about time; of two "
    "settings that the claim compares, the first less the second. n: seeds.",
    "Intervals of mAP are of a paired bootstrap over the test images, for the networks as trained; "
    "those of seconds are of the spread over seeds, and one seed is too few.",
    "Claims about the paper's scale rest on the measurements of table_timing, whichever the "
    "profile: × is a ratio of seconds, n are repeats, and the interval is of the ratios of all "
    "pairs of repeats. ≈ has an extrapolated side, whose error the interval leaves out.",
    "* within the original's own noise: its author's re-runs of one setting gave 67.2 ± 0.2.",
]
MIN_RUNS_FOR_SECONDS = 2
# XS is a scaled-down VGG16, so L is what it is held against; M where the paper lacks L.
COUNTERPARTS = {"XS": ("L", "M", "S"), "L_torchvision": ("L",)}


@dataclass(frozen=True)
class Ruling:
    """A claim judged on one network; numbers are None where there is none."""

    claim: Claim
    network: str
    counterpart: str | None
    published: float | None
    effect: float | None
    interval: tuple[float, float] | None
    n: int
    verdict: Verdict
    cells: tuple[str, ...]
    within_noise: bool = False
    extrapolated: bool = False

    @property
    def source(self) -> str:
        """Where the published number stands, with the network's column."""
        column = f", column {self.counterpart}" if self.counterpart else ""
        return self.claim.source + column


def judge(claims: Claims, cells: Cells, timings: Sequence[Timing]) -> list[Ruling]:
    """Judge every claim on every network whose profile has both cells.

    Claims about the paper's scale are judged on the networks that they publish numbers of. A
    claim that nothing can decide still gets a row, for the largest network: *not run*.
    """
    timed = {measured.network: measured for measured in timings}
    rulings = []
    for claim in claims.claims:
        if claim.at_papers_scale:
            rulings += [_rule_timed(claim, n, timed.get(n)) for n in claim.paper.effects()]
            continue
        deciding = [
            (network, *pair) for network in cells.networks if (pair := _pair(claim, cells, network))
        ]
        rulings += [_rule(claim, claims.noise, *found) for found in deciding]
        if not deciding:
            rulings.append(_undecided(claim, cells.networks[-1]))
    return rulings


def _rule_timed(claim: Claim, network: str, measured: Timing | None) -> Ruling:
    effect, bounds, n = timing_effect(claim, measured) if measured else (None, None, 0)
    systems = [system for system in (claim.a, claim.b) if system]
    phase = PHASES.get(claim.metric, "total")
    return Ruling(
        claim=claim,
        network=network,
        counterpart=network,
        published=claim.paper.effects()[network],
        effect=effect,
        interval=bounds,
        n=n,
        verdict=_verdict(claim, n, bounds),
        cells=tuple(f"timing-{network}-{system}" for system in systems),
        extrapolated=measured is not None
        and any(is_extrapolated(measured, system, phase) for system in systems),
    )


def _pair(claim: Claim, cells: Cells, network: str) -> tuple[CellRuns, CellRuns] | None:
    """The two cells that decide a claim on a network, or None when the profile lacks one."""
    if (claim.a, claim.b) == (MOST_PROPOSALS, BEST_FEWER_PROPOSALS):
        *fewer, most = cells.proposal_sweep(network) or [None]
        if not fewer:
            return None
        # Without a scored cell any of the fewer will do: the claim is then not run.
        return most, max(fewer, key=lambda cell: cell.mean("map") or -1.0)
    a, b = cells.get(network, claim.a), cells.get(network, claim.b)
    return (a, b) if a and b else None


def _rule(claim: Claim, noise: float, network: str, a: CellRuns, b: CellRuns) -> Ruling:
    effects, bounds = _effect(claim, a, b)
    counterpart, published = _published(claim, network)
    return Ruling(
        claim=claim,
        network=network,
        counterpart=counterpart,
        published=published,
        effect=float(np.mean(effects)) if effects else None,
        interval=bounds,
        n=len(effects),
        verdict=_verdict(claim, len(effects), bounds),
        cells=(a.name, b.name),
        within_noise=claim.metric == "map"
        and published is not None
        and abs(published) <= 2 * noise,
    )


def _undecided(claim: Claim, network: str) -> Ruling:
    counterpart, published = _published(claim, network)
    cells = (f"{network}-{claim.a}", f"{network}-{claim.b}")
    return Ruling(claim, network, counterpart, published, None, None, 0, Verdict.NOT_RUN, cells)


def _effect(
    claim: Claim, a: CellRuns, b: CellRuns
) -> tuple[list[float], tuple[float, float] | None]:
    """a − b for each seed that both have, and the 95 % interval of its mean."""
    a_runs = {run.seed: run for run in a.runs}
    b_runs = {run.seed: run for run in b.runs}
    pairs = [(a_runs[seed], b_runs[seed]) for seed in sorted(a_runs.keys() & b_runs.keys())]
    sides = [(getattr(x, claim.metric), getattr(y, claim.metric)) for x, y in pairs]
    effects = [x - y for x, y in sides if x is not None and y is not None]
    if not effects:
        return [], None
    if claim.metric == "map":
        samples = paired_difference(
            np.stack([x.bootstrap for x, _ in pairs]), np.stack([y.bootstrap for _, y in pairs])
        )
        return effects, None if np.isnan(samples).any() else interval(samples)
    return effects, _interval_over_seeds(effects)


def _interval_over_seeds(effects: list[float]) -> tuple[float, float] | None:
    """Student's 95 % interval of the mean; None of a single value."""
    n = len(effects)
    if n < MIN_RUNS_FOR_SECONDS:
        return None
    half = float(stats.t.ppf(0.975, n - 1) * np.std(effects, ddof=1) / sqrt(n))
    mean = float(np.mean(effects))
    return mean - half, mean + half


def _published(claim: Claim, network: str) -> tuple[str | None, float | None]:
    """The paper's column that a network is held against, and its effect there."""
    effects = claim.paper.effects()
    for counterpart in COUNTERPARTS.get(network, (network,)):
        if counterpart in effects:
            return counterpart, effects[counterpart]
    return None, None


def _verdict(claim: Claim, n: int, bounds: tuple[float, float] | None) -> Verdict:
    if n and bounds is None:
        return Verdict.TOO_FEW_RUNS
    differing = tuple(bound - claim.neutral for bound in bounds) if bounds else None
    if claim.expect == "within":
        return equivalent(differing, claim.margin, n)
    # At most the margin: the effect, less the margin, is below zero.
    shifted = tuple(bound - claim.margin for bound in differing) if differing else None
    return directional(shifted, 1 if claim.expect == "greater" else -1, n)


def claims_frame(rulings: list[Ruling]) -> pd.DataFrame:
    """``claims.csv``: paper, ours, low and high are effects; n is the number of seeds.

    Of a claim about the paper's scale n is the number of repeats.
    """
    return pd.DataFrame(
        [
            {
                "claim": ruling.claim.claim,
                "source": ruling.source,
                "paper": _rounded(ruling.published),
                "ours": _rounded(ruling.effect),
                "low": _rounded(ruling.interval and ruling.interval[0]),
                "high": _rounded(ruling.interval and ruling.interval[1]),
                "n": ruling.n,
                "verdict": str(ruling.verdict),
                "cells": " ".join(ruling.cells),
            }
            for ruling in rulings
        ]
    )


def claims_table(rulings: list[Ruling]) -> Table:
    """The ledger for readers: one line per claim and network."""
    return Table(
        name="claims",
        title="Claims of the talk and the paper",
        source="",
        frame=claims_frame(rulings),
        headers=["claim", "verdict", "network", "paper", "ours [95 % interval]", "n", "source"],
        rows=[_words(ruling) for ruling in rulings],
        notes=NOTES,
        words=("claim", "verdict", "network", "source"),
    )


def _words(ruling: Ruling) -> list[str]:
    ours = (APPROXIMATE if ruling.extrapolated else "") + _effect_words(ruling, ruling.effect)
    if ruling.interval:
        low, high = (_effect_words(ruling, bound).removeprefix("×") for bound in ruling.interval)
        ours += f" [{low}, {high}]"
    return [
        ruling.claim.claim,
        str(ruling.verdict),
        ruling.network,
        _effect_words(ruling, ruling.published, 2) + (" *" if ruling.within_noise else ""),
        ours,
        str(ruling.n),
        ruling.source,
    ]


def _effect_words(ruling: Ruling, effect: float | None, digits_of_seconds: int = 4) -> str:
    """An effect in the unit of its metric."""
    match ruling.claim.metric:
        case "map":
            return signed(effect)
        case "test_seconds":
            return signed(effect, digits_of_seconds)
        case "train_seconds":
            return signed_seconds(effect)
        case "timing_fc_share":
            return EMPTY if effect is None else f"{effect:.0f} %"
        case _:
            return times(effect)


def _rounded(value: float | None) -> float:
    return np.nan if value is None else round(value, 6)
