"""The talk's figure of the forward pass, with ours beside the published one."""

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from frcn.report.chart import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, Picture, make_axes
from frcn.report.paper import SystemsTable
from frcn.report.timing import (
    APPROXIMATE,
    FC,
    FORWARD,
    forward_pass,
    is_extrapolated,
    median,
    short_seconds,
)
from frcn.timing.measurements import Timing

COLOURS = dict(zip(FORWARD, (SKY, PURPLE, ORANGE, "#f0b75a", GREY), strict=True))
SYSTEMS = ("fast_rcnn", "fast_rcnn_svd")
ABOVE = dict(frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1))


def timing(measured: Timing, paper: SystemsTable) -> Picture | None:
    """Forward passes by phase, and seconds per image of all systems; None without a pass.

    Passes are in percent of the same machine's pass without truncated SVD, because the seconds
    of two machines do not compare.
    """
    ours = {system: forward_pass(measured, system) for system in SYSTEMS}
    published = {system: _published(measured, paper, system) for system in SYSTEMS}
    if not ours["fast_rcnn"]:
        return None
    bars = [
        (f"{paper.of(system).setting}, {whose}", passes[system], sum(passes["fast_rcnn"].values()))
        for system in SYSTEMS
        for whose, passes in (("ours", ours), ("paper", published))
        if passes[system]
    ]
    totals = [row for row in paper.rows if median(measured, row.timed, "total")]
    figure, (upper, lower) = make_axes(
        2,
        1,
        width=7.2,
        height=2.2 + 0.4 * len(bars) + 0.5 * len(totals),
        height_ratios=(0.8 * len(bars) + 1, len(totals) + 1),
    )
    words = [_draw_pass(upper, len(bars) - 1 - i, *bar) for i, bar in enumerate(bars)]
    upper.set_yticks(range(len(bars)), [label for label, *_ in reversed(bars)])
    upper.set_xticks(range(0, 101, 20))
    upper.set(xlim=(0, 140), xlabel="% of Fast R-CNN's forward pass on the same machine")
    patches = [container.patches[0] for container in upper.containers[: len(FORWARD)]]
    upper.legend(patches, FORWARD, ncols=len(FORWARD), **ABOVE)
    words += _draw_totals(lower, measured, paper, [row.timed for row in totals])
    return Picture(
        f"timing_{measured.network}",
        figure,
        f"Above: a forward pass of {measured.network} by phase, with the share of fc6 and fc7 and "
        "the seconds of the whole. Below: seconds per image, proposals aside, on a logarithmic "
        f"scale. Ours: {measured.device}, {measured.precision}; the paper's: a K40. "
        "≈ extrapolated.",
        "Stacked bars of forward passes by phase, and bars of seconds per image. "
        f"{'; '.join(words)}.",
    )


def _published(measured: Timing, paper: SystemsTable, system: str) -> dict[str, float]:
    """Published seconds by phase; empty where the paper gives none of this network."""
    phases = paper.of(system).phases
    return {p: phases[p][measured.network] for p in phases if measured.network in phases[p]}


def _draw_pass(axis: Axes, place: int, label: str, phases: dict, whole: float) -> str:
    """Draw a bar of a pass, whose length is its part of ``whole`` seconds; its words."""
    total = sum(phases.values())
    left = 0.0
    for phase in FORWARD:
        width = 100 * phases[phase] / whole
        axis.barh(place, width, 0.68, left=left, color=COLOURS[phase], edgecolor="white")
        left += width
    share = 100 * sum(phases[phase] for phase in FC) / total
    text = f"{short_seconds(total)}, fc layers {share:.0f} %"
    axis.annotate(text, (left + 1, place), va="center", fontsize=8)
    shares = ", ".join(f"{phase} {100 * s / total:.0f} %" for phase, s in phases.items())
    return f"{label}: {text} of the forward pass ({shares})"


def _draw_totals(
    axis: Axes, measured: Timing, paper: SystemsTable, systems: list[str]
) -> list[str]:
    """Draw seconds per image, two bars for each system; their words."""
    words = []
    for place, system in enumerate(reversed(systems)):
        row = paper.of(system)
        mark = APPROXIMATE if is_extrapolated(measured, system, "total") else ""
        ours = median(measured, system, "total")
        published = row.paper["test_seconds"].get(measured.network)
        # The legend has each side once.
        last = place == len(systems) - 1
        above = place + (0.2 if published else 0)
        said = _draw_bar(axis, above, ours, mark, BLUE, "ours" if last else None)
        words.append(f"{row.setting}: ours {said} per image")
        if published:
            said = _draw_bar(axis, place - 0.2, published, "", GREEN, "paper" if last else None)
            words[-1] += f", paper {said}"
    axis.set_yticks(range(len(systems)), [paper.of(system).setting for system in reversed(systems)])
    axis.set(xscale="log", xlabel="seconds per image")
    # Seconds of one network may lie within a decade, those of another spread over four.
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.margins(x=0.15)
    axis.legend(ncols=2, **ABOVE)
    return words


def _draw_bar(
    axis: Axes, place: float, seconds: float, mark: str, colour: str, label: str | None
) -> str:
    """Draw a bar with its seconds written at its end; the text."""
    text = mark + short_seconds(seconds)
    axis.barh(place, seconds, 0.36, color=colour, label=label)
    axis.annotate(
        text, (seconds, place), (3, 0), textcoords="offset points", va="center", fontsize=8
    )
    return text
