"""The claims ledger: our effect beside the published one, an interval, and a verdict.

Effects on mAP are judged by a paired bootstrap over test images, which holds the networks as
trained and asks whether other test pictures could turn the sign; the noise of training is added
where it was measured (:mod:`frcn.report.training_noise`). Effects on seconds have no such
resamples, and are judged by their spread over seeds; one seed is too few. Claims about the
paper's scale are judged by measurements of that scale (:mod:`frcn.report.timing_claims`), those
about the time of proposals by a benchmark (:mod:`frcn.report.proposal_claims`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd

from frcn.evaluation.bootstrap import interval, paired_difference
from frcn.evaluation.verdict import Verdict, directional, equivalent
from frcn.report.cells import CellRuns, Cells
from frcn.report.claim_origin import (
    Origin,
    origin_of_benchmark,
    origin_of_cells,
    origin_of_timing,
)
from frcn.report.effect import MIN_REPEATS, NOT_MEASURED, Effect, students_half_width
from frcn.report.paper import BEST_FEWER_PROPOSALS, MOST_PROPOSALS, Claim, Claims
from frcn.report.proposal_claims import proposal_effect
from frcn.report.timing_claims import timing_effect
from frcn.report.training_noise import TrainingNoise, training_noise
from frcn.timing.measurements import Timing

# XS is a scaled-down VGG16, so L is what it is held against; M where the paper lacks L.
COUNTERPARTS = {"XS": ("L", "M", "S"), "L_torchvision": ("L",)}


@dataclass(frozen=True)
class Ruling:
    """A claim judged on one network; ``published`` is None where the paper has no number.

    ``network`` is None of a claim of no network, ``counterpart`` is the paper's that it is held
    against, if any; ``cells`` are what the two sides of the effect are called, ``within_noise`` is
    of the published effect.
    """

    claim: Claim
    network: str | None
    counterpart: str | None
    published: float | None
    effect: Effect
    verdict: Verdict
    cells: tuple[str, ...]
    origin: Origin
    within_noise: bool = False

    @property
    def source(self) -> str:
        """Where the published number stands, with the network's column."""
        column = f", column {self.counterpart}" if self.counterpart else ""
        return self.claim.source + column


def judge(
    claims: Claims,
    cells: Cells,
    timings: Sequence[Timing] = (),
    proposal_times: pd.DataFrame | None = None,
) -> list[Ruling]:
    """Judge every claim on every network whose profile has both cells.

    Claims about the paper's scale are judged on the networks that they publish numbers of, those
    about the time of proposals on none. A claim that nothing can decide still gets a row, for the
    largest network: *not run*.
    """
    timed = {measured.network: measured for measured in timings}
    rulings = []
    for claim in claims.claims:
        if claim.at_papers_scale:
            rulings += [
                _rule_timed(claim, cells.profile, network, timed.get(network))
                for network in claim.paper.effects()
            ]
            continue
        if not claim.of_cells:
            rulings.append(_rule_proposals(claim, cells.profile, proposal_times))
            continue
        deciding = [
            (network, *pair) for network in cells.networks if (pair := _pair(claim, cells, network))
        ]
        rulings += [_rule(claim, claims.noise.deviation, cells, *found) for found in deciding]
        if not deciding:
            rulings.append(_not_run(claim, cells))
    return rulings


def _rule_timed(claim: Claim, profile: str, network: str, measured: Timing | None) -> Ruling:
    effect = timing_effect(claim, measured) if measured else NOT_MEASURED
    return Ruling(
        claim=claim,
        network=network,
        counterpart=network,
        published=claim.paper.effects()[network],
        effect=effect,
        verdict=_verdict(claim, effect),
        cells=tuple(f"timing-{network}-{side}" for side in (claim.a, claim.b) if side),
        origin=origin_of_timing(profile, network, effect.n > 0),
    )


def _rule_proposals(claim: Claim, profile: str, times: pd.DataFrame | None) -> Ruling:
    effect = proposal_effect(claim, times)
    return Ruling(
        claim=claim,
        network=None,
        counterpart=None,
        published=claim.published,
        effect=effect,
        verdict=_verdict(claim, effect),
        cells=(f"proposals-{claim.a}", f"proposals-{claim.b}"),
        origin=origin_of_benchmark(profile, effect.n > 0),
    )


def _pair(claim: Claim, cells: Cells, network: str) -> tuple[CellRuns, CellRuns] | None:
    """The two cells that decide a claim on a network, or None when the profile lacks one."""
    if _is_of_sweep(claim):
        *fewer, most = cells.proposal_sweep(network) or [None]
        if not fewer:
            return None
        # Without a scored cell any of the fewer will do: the claim is then not run.
        return most, max(fewer, key=lambda cell: cell.mean("map") or -1.0)
    a, b = cells.get(network, claim.a), cells.get(network, claim.b)
    return (a, b) if a and b else None


def _is_of_sweep(claim: Claim) -> bool:
    return (claim.a, claim.b) == (MOST_PROPOSALS, BEST_FEWER_PROPOSALS)


def _rule(
    claim: Claim, originals: float, cells: Cells, network: str, a: CellRuns, b: CellRuns
) -> Ruling:
    repeated, noise = [], None
    if claim.metric == "map" and cells.training_of(a) == cells.training_of(b):
        a, b = cells.with_all_seeds(a), cells.with_all_seeds(b)
        noise = training_noise(a, b)
    elif claim.metric == "map" and (network, "default") in cells.repeated:
        repeated = [cells.repeated[network, "default"]]
        noise = training_noise(*repeated)
    effect = _effect(claim, a, b, noise)
    # Which of the fewer is the best, all of them decide.
    deciding = cells.proposal_sweep(network) if _is_of_sweep(claim) else [a, b]
    counterpart, published = _published(claim, network)
    return Ruling(
        claim=claim,
        network=network,
        counterpart=counterpart,
        published=published,
        effect=effect,
        verdict=_verdict(claim, effect),
        cells=(a.name, b.name),
        origin=origin_of_cells(cells, [*deciding, *repeated]),
        within_noise=claim.metric == "map"
        and published is not None
        and abs(published) <= 2 * originals,
    )


def _not_run(claim: Claim, cells: Cells) -> Ruling:
    network = cells.networks[-1]
    counterpart, published = _published(claim, network)
    return Ruling(
        claim=claim,
        network=network,
        counterpart=counterpart,
        published=published,
        effect=NOT_MEASURED,
        verdict=Verdict.NOT_RUN,
        cells=(f"{network}-{claim.a}", f"{network}-{claim.b}"),
        origin=Origin(cells.profile),
    )


def _effect(claim: Claim, a: CellRuns, b: CellRuns, noise: TrainingNoise | None) -> Effect:
    """The mean of a − b over the seeds that both have, and its 95 % interval."""
    a_runs = {run.seed: run for run in a.runs}
    b_runs = {run.seed: run for run in b.runs}
    pairs = [(a_runs[seed], b_runs[seed]) for seed in sorted(a_runs.keys() & b_runs.keys())]
    sides = [(getattr(x, claim.metric), getattr(y, claim.metric)) for x, y in pairs]
    effects = [x - y for x, y in sides if x is not None and y is not None]
    if not effects:
        return NOT_MEASURED
    if claim.metric == "map":
        samples = paired_difference(
            np.stack([x.bootstrap for x, _ in pairs]), np.stack([y.bootstrap for _, y in pairs])
        )
        bounds = None if np.isnan(samples).any() else interval(samples)
        if bounds and noise:
            bounds = noise.widened(float(np.mean(effects)), bounds, len(effects))
    else:
        bounds = _interval_over_seeds(effects)
    return Effect(float(np.mean(effects)), bounds, len(effects))


def _interval_over_seeds(effects: list[float]) -> tuple[float, float] | None:
    """Student's 95 % interval of the mean; None of a single value."""
    if len(effects) < MIN_REPEATS:
        return None
    half, mean = students_half_width(effects) / sqrt(len(effects)), float(np.mean(effects))
    return mean - half, mean + half


def _published(claim: Claim, network: str) -> tuple[str | None, float | None]:
    """The paper's column that a network is held against, and its effect there."""
    effects = claim.paper.effects()
    for counterpart in COUNTERPARTS.get(network, (network,)):
        if counterpart in effects:
            return counterpart, effects[counterpart]
    return None, None


def _verdict(claim: Claim, effect: Effect) -> Verdict:
    n, bounds = effect.n, effect.interval
    if n and bounds is None:
        return Verdict.TOO_FEW_RUNS
    differing = tuple(bound - claim.neutral for bound in bounds) if bounds else None
    if claim.expect == "within":
        return equivalent(differing, claim.margin, n)
    # At most the margin: the effect, less the margin, is below zero.
    shifted = tuple(bound - claim.margin for bound in differing) if differing else None
    return directional(shifted, 1 if claim.expect == "greater" else -1, n)
