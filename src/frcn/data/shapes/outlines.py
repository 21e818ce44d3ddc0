"""Building blocks of figures: closed outlines in the figure's own coordinates.

Outlines are (P, 2) float64 points ``x y``; x points right, y points down. A figure lies roughly
within [-1, 1]², but only its proportions matter: scenes scale it to the size they want.
"""

from dataclasses import dataclass

import numpy as np

CURVE_POINTS = 24
"""Points of an ellipse: round enough at the 170 px of the largest object."""
UPPER_HALF = (180, 360)
"""The arc of a dome."""


@dataclass(frozen=True)
class Part:
    """One part of a figure; parts with the same ``role`` share their paint (both wheels…)."""

    role: str
    outline: np.ndarray


def polygon(*points: tuple[float, float]) -> np.ndarray:
    """The outline through ``x y`` points."""
    return np.array(points, dtype=np.float64)


def box(x1: float, y1: float, x2: float, y2: float, taper: float = 0.0) -> np.ndarray:
    """An upright rectangle; ``taper`` in (-1, 1) narrows the top (or the bottom, if negative)."""
    inset = abs(taper) * (x2 - x1) / 2
    top, bottom = (inset, 0.0) if taper > 0 else (0.0, inset)
    return polygon((x1 + top, y1), (x2 - top, y1), (x2 - bottom, y2), (x1 + bottom, y2))


def ellipse(
    x: float, y: float, rx: float, ry: float, arc: tuple[float, float] = (0, 360)
) -> np.ndarray:
    """An ellipse around (x, y), or what a chord cuts off it.

    ``arc`` is in degrees, clockwise from the x axis, so (180, 360) is the upper half.
    """
    angles = np.radians(np.linspace(*arc, CURVE_POINTS))
    return np.stack([x + rx * np.cos(angles), y + ry * np.sin(angles)], axis=1)


def ring(x: float, y: float, radius: float, width: float) -> np.ndarray:
    """A circular band; inner and outer circle are joined by a seam of no width."""
    outer = ellipse(x, y, radius, radius)
    inner = ellipse(x, y, radius - width, radius - width)
    return np.concatenate([outer, inner[::-1]])


def bar(x1: float, y1: float, x2: float, y2: float, width: float) -> np.ndarray:
    """A straight band between two points."""
    along = np.array([x2 - x1, y2 - y1])
    across = np.array([-along[1], along[0]]) / np.hypot(*along) * width / 2
    start, end = np.array([x1, y1]), np.array([x2, y2])
    return np.stack([start - across, end - across, end + across, start + across])


def star(x: float, y: float, outer: float, inner: float, points: int) -> np.ndarray:
    """A star with ``points`` tips."""
    angles = np.arange(2 * points) * np.pi / points
    radii = np.where(np.arange(2 * points) % 2, inner, outer)
    return np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], axis=1)


def transform(outline: np.ndarray, matrix: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Apply a (2, 2) matrix, then an offset, to an outline."""
    return outline @ matrix.T + offset
