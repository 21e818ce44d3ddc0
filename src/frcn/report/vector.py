"""Vector drawings for the page, as the content of an ``<svg>``; sizes in its own units.

Drawings have classes and no colours: the style sheet knows what is light and what is dark.
"""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

CHART = 100
"""Width and height of a chart's axes."""
CURVE_POINTS = 60
TEXT = 0.034
"""Height of the words on a picture, as a part of its width."""


def line(x: np.ndarray, y: np.ndarray) -> Markup:
    """A line through points of the unit square, (0, 0) bottom left, as a path in the axes.

    Args:
        x: (P,) fractions, as are ``y``. Of more than ``CURVE_POINTS`` points so many are
            drawn, evenly spaced among them, the first and the last included.
        y: (P,) fractions.

    Returns:
        A ``<path>``, empty of no point.
    """
    if not len(x):
        return Markup()
    places = np.unique(np.linspace(0, len(x) - 1, CURVE_POINTS).round().astype(int))
    points = np.stack([x, 1 - np.asarray(y)], axis=1)[places] * CHART
    return Markup('<path d="M{}"/>').format("L".join(f"{a:.1f} {b:.1f}" for a, b in points))


def stacked_bar(counts: Sequence[int]) -> Markup:
    """A bar of width ``CHART`` and height 10, divided as the counts are; empty of zeros.

    The parts have classes ``kind0``, ``kind1``, …
    """
    total = sum(counts)
    parts, left = [], 0.0
    for kind, count in enumerate(counts):
        width = CHART * count / total if total else 0.0
        if count:
            parts.append(
                Markup('<rect class="kind{}" x="{:.2f}" width="{:.2f}" height="10"/>').format(
                    kind, left, width
                )
            )
        left += width
    return Markup().join(parts)


def outline(box: Sequence[float]) -> Markup:
    """A box ``x1 y1 x2 y2`` as a path, through the centres of its corner pixels."""
    x1, y1, x2, y2 = (f"{float(corner):.1f}".removesuffix(".0") for corner in box)
    return Markup('<path d="M{} {}H{}V{}H{}Z"/>').format(x1, y1, x2, y2, x1)


def labelled_box(box: Sequence[float], words: str, kind: str, width: int) -> Markup:
    """A box with words above its corner, pushed inside a picture of so many pixels.

    Words of a box in the right half end at its right side.
    """
    x1, y1, x2, _ = map(float, box)
    right = x1 > width / 2
    return Markup('<g class="{}">{}<text x="{:.0f}" y="{:.0f}"{}>{}</text></g>').format(
        kind,
        outline(box),
        x2 if right else x1,
        max(y1 - 0.25 * TEXT * width, TEXT * width),
        Markup(' class="end"') if right else "",
        escape(words),
    )
