"""The measurements at the paper's scale: seconds by system and phase, and of an SGD step.

They are of no profile: the stage ``timing`` makes them once, and every report shows them.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from frcn.report import table
from frcn.report.cells import NETWORK_ORDER
from frcn.report.paper import SystemRow, SystemsTable
from frcn.report.table import DECIMALS, EMPTY, Table, rounded, with_times
from frcn.timing import measurements
from frcn.timing.measurements import Step, Timing

FORWARD = ("conv", "pool", "fc6", "fc7", "other")
FC = ("fc6", "fc7")
CROPS = 128
"""Warped crops of an SGD step of R-CNN, each of another image where that step has 128."""
APPROXIMATE = "≈ "
EXTRAPOLATED = "≈ is extrapolated from a smaller measurement"


def read_timings(folder: Path) -> list[Timing]:
    """Every ``<network>.json`` of a folder, smallest network first; empty without the folder.

    Raises:
        UserError: a file is damaged.
    """
    found = [measurements.load(path) for path in sorted(Path(folder).glob("*.json"))]
    return sorted(found, key=lambda measured: NETWORK_ORDER.index(measured.network))


def repeats(measured: Timing, system: str, phase: str) -> list[float]:
    """Seconds of each repeat; empty where the phase was not measured."""
    return next(
        (row.seconds for row in measured.rows if (row.system, row.phase) == (system, phase)), []
    )


def median(measured: Timing, system: str, phase: str) -> float | None:
    """Median of the repeats; None where the phase was not measured."""
    found = repeats(measured, system, phase)
    return measurements.median(found) if found else None


def is_extrapolated(measured: Timing, system: str, phase: str) -> bool:
    """Whether the phase was computed from a smaller measurement."""
    return any(
        row.extrapolated for row in measured.rows if (row.system, row.phase) == (system, phase)
    )


def forward_pass(measured: Timing, system: str) -> dict[str, float]:
    """Median seconds by phase; empty where the layers were not timed one by one.

    A phase that a system does not have takes no time: R-CNN has no RoI pooling.
    """
    found = {phase: median(measured, system, phase) for phase in FORWARD}
    if not all(found[phase] for phase in ("conv", *FC)):
        return {}
    return {phase: seconds or 0.0 for phase, seconds in found.items()}


def timing_frame(timings: Sequence[Timing]) -> pd.DataFrame:
    """``timing.csv``: a row per system, network and phase."""
    return pd.DataFrame(
        [
            {
                "system": row.system,
                "network": measured.network,
                "phase": row.phase,
                "device": measured.device,
                "precision": measured.precision,
                "seconds_median": rounded(measurements.median(row.seconds)),
                "seconds_iqr": rounded(measurements.iqr(row.seconds)),
                "extrapolated": row.extrapolated,
            }
            for measured in timings
            for row in measured.rows
        ]
    )


def timing_table(timings: Sequence[Timing], paper: SystemsTable) -> Table:
    """Seconds per image and phase, of an SGD step, and of the training, by network and system."""
    shown = [
        (measured, row)
        for measured in timings
        for row in paper.rows
        if any(timed.system == row.timed for timed in measured.rows)
    ]
    return Table(
        name="timing",
        title="Seconds at the paper's scale",
        source=f"{paper.source}; phases: paper Fig. 2",
        frame=pd.DataFrame([_numbers(measured, row, paper) for measured, row in shown]),
        headers=[
            *("network", "system", "paper: per image", "ours: per image"),
            *(f"ours / paper: {phase}" for phase in FORWARD),
            *("ours: SGD step", "paper: training", "ours: training"),
        ],
        rows=[_words(measured, row, paper) for measured, row in shown],
        notes=[
            *map(_conditions, timings),
            f"In brackets: how many times faster than {paper.rows[0].setting}, in our columns the "
            "ratio of medians. Seconds are medians of the repeats; timing.csv has their "
            "interquartile ranges.",
            "Weights are random, which changes no seconds. Proposals are not counted. The training "
            "is projected from its parts. Published seconds are of a K40 GPU.",
            *_extrapolations(timings, paper),
            *(note for measured in timings if (note := _ratio_note(measured, paper))),
        ],
        words=("network", "system"),
    )


def _numbers(measured: Timing, row: SystemRow, paper: SystemsTable) -> dict:
    network, system = measured.network, row.timed
    numbers = {
        "network": network,
        "system": system,
        "device": measured.device,
        "precision": measured.precision,
        "paper_test_seconds": row.paper.get("test_seconds", {}).get(network),
        "paper_test_speedup": row.speedup.get("test_seconds", {}).get(network),
        "paper_train_seconds": row.paper.get("train_seconds", {}).get(network),
        "paper_train_speedup": row.speedup.get("train_seconds", {}).get(network),
        "ours_test_speedup": rounded(_speedup(measured, row, paper, "total")),
        "ours_train_speedup": rounded(_speedup(measured, row, paper, "training")),
    }
    for phase in FORWARD:
        numbers[f"paper_{phase}_seconds"] = row.phases.get(phase, {}).get(network)
    for phase in ("total", *FORWARD, "step", "training"):
        numbers[f"ours_{phase}_seconds"] = rounded(median(measured, system, phase))
        numbers[f"ours_{phase}_extrapolated"] = is_extrapolated(measured, system, phase)
    return numbers


def _words(measured: Timing, row: SystemRow, paper: SystemsTable) -> list[str]:
    network = measured.network

    def published(measure: str) -> str:
        seconds = row.paper.get(measure, {}).get(network)
        return with_times(table.seconds(seconds), row.speedup.get(measure, {}).get(network))

    def ours(phase: str) -> str:
        return _seconds(measured, row.timed, phase)

    def phase_words(phase: str) -> str:
        seconds = row.phases.get(phase, {}).get(network)
        return ours(phase) + (f" / {short_seconds(seconds)}" if seconds else "")

    return [
        network,
        row.setting,
        published("test_seconds"),
        with_times(ours("total"), _speedup(measured, row, paper, "total")),
        *map(phase_words, FORWARD),
        ours("step"),
        published("train_seconds"),
        with_times(ours("training"), _speedup(measured, row, paper, "training")),
    ]


def short_seconds(value: float | None) -> str:
    """Three significant digits, in seconds also where a table of trainings has minutes."""
    if value is None:
        return EMPTY
    return f"{value:.3g} s" if value < 1000 else f"{value:,.0f} s"


def _billions(count: int) -> str:
    billions = count / 1e9
    return f"{billions:.3g} G" if billions < 1000 else f"{billions:,.0f} G"


def _seconds(measured: Timing, system: str, phase: str) -> str:
    mark = APPROXIMATE if is_extrapolated(measured, system, phase) else ""
    show = table.seconds if phase == "training" else short_seconds
    return mark + show(median(measured, system, phase))


def _speedup(measured: Timing, row: SystemRow, paper: SystemsTable, phase: str) -> float | None:
    first = median(measured, paper.rows[0].timed, phase)
    own = median(measured, row.timed, phase)
    return first / own if first and own else None


def _conditions(measured: Timing) -> str:
    """Where and on what a network was timed."""
    counts = sorted({len(row.seconds) for row in measured.rows})
    several = "–".join(dict.fromkeys((str(counts[0]), str(counts[-1])))) if counts else "no"
    height, width = measured.image
    return (
        f"{measured.network}: {measured.device}, {measured.threads} threads, {measured.precision}, "
        f"torch {measured.torch}; an image of {height} × {width} pixels, {measured.rois} RoIs, of "
        f"which {measured.unique_rois} differ; {several} repeats."
    )


def _rate(measured: Timing) -> str:
    """The rate that a network's floors rest on."""
    product = measured.product
    return (
        f"{measured.network}: {_billions(product.rate)} multiply-adds a second, the fastest of "
        f"{len(product.seconds)} products of two {product.side} × {product.side} matrices in "
        f"{measured.precision}."
    )


def _extrapolations(timings: Sequence[Timing], paper: SystemsTable) -> list[str]:
    """From what each network's marked numbers were computed."""
    notes = []
    for measured in timings:
        # Phases of one system often have the same reason.
        reasons = dict.fromkeys(
            f"{paper.of(row.system).setting}: {row.note}"
            for row in measured.rows
            if row.extrapolated
        )
        if reasons:
            notes.append(f"{measured.network}, {EXTRAPOLATED}. {'. '.join(reasons)}.")
    return notes


def _ratio_note(measured: Timing, paper: SystemsTable) -> str | None:
    """How the phases make up the ratio of R-CNN to Fast R-CNN; None without the phases of both.

    The ratio of passes is the mean of the phases' ratios, weighted by their shares of Fast
    R-CNN's pass.
    """
    fast, slow = (forward_pass(measured, system) for system in ("fast_rcnn", "rcnn"))
    if not fast or not slow:
        return None
    whole = sum(fast.values())
    parts = []
    for name, phases in {"conv": ["conv"], "fc6 and fc7": FC}.items():
        own = sum(fast[phase] for phase in phases)
        ratio = sum(slow[phase] for phase in phases) / own
        parts.append(f"{table.times(ratio)} of its {name} ({100 * own / whole:.0f} % of it)")
    words = (
        f"{measured.network}: R-CNN takes {table.times(sum(slow.values()) / whole)} of Fast R-CNN's"
        f" pass, {' and '.join(parts)}."
    )
    published = {p: of.get(measured.network) for p, of in paper.of("fast_rcnn").phases.items()}
    if all(published.values()):
        unit = 100 / sum(published.values())
        words += (
            f" On the paper's GPU conv was {published['conv'] * unit:.0f} % and fc6 and fc7 "
            f"{sum(published[phase] for phase in FC) * unit:.0f} % of Fast R-CNN's pass."
        )
    return words + (
        " The fully connected layers compute the same for an RoI in both systems, so the larger "
        "their share, the smaller the ratio."
    )


def sgd_steps_table(timings: Sequence[Timing]) -> Table | None:
    """What an SGD step costs by the images of its 128 RoIs; None where no step was timed."""
    timed = [(measured, step) for measured in timings for step in measured.steps]
    if not timed:
        return None
    numbers = [_step_numbers(measured, step) for measured, step in timed]
    return Table(
        name="sgd_steps",
        title="Cost of an SGD step by images per mini-batch",
        source="slides, cost model",
        frame=pd.DataFrame(numbers).round(DECIMALS),
        headers=[
            *("network", "images"),
            *("ours: step [IQR]", f"ours: step / that of {CROPS} images"),
            *("ours: multiply-adds", f"ours: multiply-adds / those of {CROPS} images"),
            "ours: floor (step / floor)",
            "talk: conv / R-CNN's",
        ],
        rows=[_step_words(step, row) for (_, step), row in zip(timed, numbers, strict=True)],
        notes=[
            *map(_conditions, timings),
            "A step of Fast R-CNN has 128 RoIs, whichever the number of images.",
            "The floor is the time of the multiply-adds at the device's rate. Convolutions that "
            "need fewer of them (Winograd) can take a step below it.",
            *map(_rate, timings),
            "The talk's cost model: the pixels of so many images of 600 × 1000 over those of 128 "
            "crops of 224 × 224, which are a step of R-CNN. It counts conv layers alone.",
            *([f"{EXTRAPOLATED}."] if any(step.extrapolated for _, step in timed) else []),
        ],
        words=("network",),
    )


def _step_numbers(measured: Timing, step: Step) -> dict:
    seconds = measurements.median(step.seconds)
    most = next((s for s in measured.steps if s.images == CROPS), None)
    floor = step.multiply_adds / measured.product.rate
    return {
        "network": measured.network,
        "images": step.images,
        "ours_step_seconds": seconds,
        "ours_step_iqr": measurements.iqr(step.seconds),
        "ours_extrapolated": step.extrapolated,
        "ours_step_ratio": seconds / measurements.median(most.seconds) if most else None,
        "ours_multiply_adds": step.multiply_adds,
        "ours_multiply_adds_ratio": step.multiply_adds / most.multiply_adds if most else None,
        "ours_floor_seconds": floor,
        "ours_step_floor_ratio": seconds / floor,
        "paper_cost_model": measurements.crude_cost(step.images),
    }


def _step_words(step: Step, numbers: dict) -> list[str]:
    mark = APPROXIMATE if step.extrapolated else ""
    spread = f" [{short_seconds(numbers['ours_step_iqr'])}]" if len(step.seconds) > 1 else ""
    floor = short_seconds(numbers["ours_floor_seconds"])
    return [
        numbers["network"],
        str(step.images),
        mark + short_seconds(numbers["ours_step_seconds"]) + spread,
        table.times(numbers["ours_step_ratio"]),
        _billions(step.multiply_adds),
        table.times(numbers["ours_multiply_adds_ratio"]),
        f"{floor} ({mark}{table.times(numbers['ours_step_floor_ratio'])})",
        table.times(float(f"{numbers['paper_cost_model']:.2g}")),
    ]
