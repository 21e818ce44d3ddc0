"""Paints: a base colour and a pattern of a second colour, from five families.

Colours are BGR in 0…255 as float32.
"""

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

FAMILIES = ("plain", "stripes", "checkers", "gradient", "noise", "blobs")


@dataclass(frozen=True)
class Paint:
    """One pattern. ``period`` in pixels, ``angle`` in radians; ``other`` is the second colour."""

    family: str
    base: np.ndarray
    other: np.ndarray
    period: float
    angle: float

    def fill(self, height: int, width: int, rng: Generator) -> np.ndarray:
        """A (height, width, 3) float32 area of this paint; ``rng`` chooses phase and noise."""
        pattern = _pattern(self, height, width, rng)
        return self.base + pattern[:, :, None] * (self.other - self.base)


def random_colour(
    rng: Generator,
    brightness: tuple[float, float] = (0.2, 0.95),
    saturation: tuple[float, float] = (0.2, 0.85),
    hue: float | None = None,
) -> np.ndarray:
    """A colour with the value and saturation of HSV in ranges, all within 0…1; any hue or one."""
    hue = rng.random() if hue is None else hue % 1
    strength, value = rng.uniform(*saturation), rng.uniform(*brightness)
    red, green, blue = colorsys.hsv_to_rgb(hue, strength, value)
    return np.array([blue, green, red], dtype=np.float32) * 255


def random_paint(
    rng: Generator, base: np.ndarray, size: float, contrast: float, family: str | None = None
) -> Paint:
    """A paint for something ``size`` pixels long, of a given or of any family.

    ``contrast`` in 0…1 is the greatest distance of the second colour from ``base``, as a share
    of the way to a colour that is bright where ``base`` is dark, and the reverse.
    """
    opposite = random_colour(rng, (0.7, 1.0) if base.max() < 128 else (0.0, 0.3))
    share = np.float32(rng.uniform(0.5, 1) * contrast)
    return Paint(
        family=family or FAMILIES[rng.integers(len(FAMILIES))],
        base=base,
        other=base + share * (opposite - base),
        period=max(3.0, size * rng.uniform(0.15, 0.3)),
        angle=rng.uniform(0, np.pi),
    )


def _pattern(paint: Paint, height: int, width: int, rng: Generator) -> np.ndarray:
    """(height, width) float32 in 0…1: how much of the second colour shows."""
    if paint.family == "plain":
        return np.zeros((height, width), dtype=np.float32)
    if paint.family in ("noise", "blobs"):
        field = smooth_field(height, width, paint.period, rng)
        return field if paint.family == "noise" else _step(4 * field - 1.5)
    u, v = _waves(paint, height, width, rng.uniform(0, 2 * np.pi))
    if paint.family == "gradient":
        slope = u - u.min()
        return slope / max(slope.max(), np.float32(1e-6))
    if paint.family == "stripes":
        return _step(1.5 * np.sin(u) + 0.5)
    return _step(3 * np.sin(u) * np.sin(v) + 0.5)


def smooth_field(height: int, width: int, period: float, rng: Generator) -> np.ndarray:
    """(height, width) float32 noise in 0…1 whose features are about ``period`` pixels wide."""
    rows, columns = (int(np.ceil(side / period)) + 1 for side in (height, width))
    grid = rng.random((rows, columns), dtype=np.float32)
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)


def _waves(paint: Paint, height: int, width: int, phase: float) -> tuple[np.ndarray, np.ndarray]:
    """Two crossing ramps in radians, one turn per period."""
    scale = 2 * np.pi / paint.period
    cosine, sine = np.float32(scale * np.cos(paint.angle)), np.float32(scale * np.sin(paint.angle))
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    return cosine * x + sine * y + np.float32(phase), cosine * y - sine * x + np.float32(phase)


def _step(values: np.ndarray) -> np.ndarray:
    return np.clip(values, 0, 1)
