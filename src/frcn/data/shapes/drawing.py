"""Posing a figure and drawing its parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from frcn.data.shapes.outlines import Part, transform
from frcn.data.shapes.textures import Paint, random_colour, random_paint

MAX_TURN = np.radians(25)
SUBPIXEL_BITS = 4
PALETTE_SHARE = 0.5
"""How often a part takes a colour that the scene already has: hard to tell from its surround."""
CAMOUFLAGE_SHARE = 0.35
CAMOUFLAGE_JITTER = 12
"""How often a part takes the colour of what it hides, and by how many levels it misses it."""
PATTERN_CONTRAST = 0.8
FILLED = 255


@dataclass(frozen=True)
class Window:
    """Pixels ``x1…x2-1`` by ``y1…y2-1`` of an image, possibly outside of it."""

    x1: int
    y1: int
    x2: int
    y2: int

    def clipped(self, height: int, width: int) -> "Window":
        """The part inside an image; empty windows have no pixels."""
        x1, y1 = max(self.x1, 0), max(self.y1, 0)
        return Window(x1, y1, max(min(self.x2, width), x1), max(min(self.y2, height), y1))

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of these pixels in an image."""
        return slice(self.y1, self.y2), slice(self.x1, self.x2)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.y2 - self.y1, self.x2 - self.x1


Figure = Callable[[Generator], list[Part]]


def pose(figure: Figure, size: float, centre: np.ndarray, rng: Generator) -> list[Part]:
    """One member of a class, stretched, sheared, turned, at times mirrored, and scaled.

    ``size`` is its longer side in pixels, ``centre`` (x, y) the middle of its extent.
    """
    parts = figure(rng)
    turn, stretch, shear = (
        rng.uniform(-MAX_TURN, MAX_TURN),
        np.exp(rng.uniform(-0.25, 0.25)),
        rng.uniform(-0.15, 0.15),
    )
    mirror = rng.choice([-1, 1])
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = rotation @ np.array([[mirror * stretch, shear], [0, 1 / stretch]])
    outlines = [transform(part.outline, matrix, np.zeros(2)) for part in parts]
    points = np.concatenate(outlines)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = size / (high - low).max()
    offset = centre - scale * (low + high) / 2
    return [
        Part(part.role, scale * outline + offset)
        for part, outline in zip(parts, outlines, strict=True)
    ]


def window_of(outlines: Sequence[np.ndarray]) -> Window:
    """The window around some outlines, with a pixel to spare for their soft edges."""
    points = np.concatenate(outlines)
    x1, y1 = np.floor(points.min(axis=0)).astype(int) - 1
    x2, y2 = np.ceil(points.max(axis=0)).astype(int) + 2
    return Window(int(x1), int(y1), int(x2), int(y2))


def coverage(outlines: Sequence[np.ndarray], window: Window) -> np.ndarray:
    """(H, W) uint8 of the window: 255 within any of the outlines, less on their edges."""
    mask = np.zeros(window.shape, dtype=np.uint8)
    corner = np.array([window.x1, window.y1])
    for outline in outlines:
        fixed = np.round((outline - corner) * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillPoly(mask, [fixed], FILLED, lineType=cv2.LINE_AA, shift=SUBPIXEL_BITS)
    return mask


def draw(canvas: np.ndarray, outline: np.ndarray, paint: Paint, rng: Generator) -> None:
    """Draw one outline onto an (H, W, 3) float32 canvas, as far as it lies inside."""
    window = window_of([outline]).clipped(*canvas.shape[:2])
    if 0 in window.shape:
        return
    alpha = coverage([outline], window).astype(np.float32)[:, :, None] / FILLED
    area = canvas[window.slices]
    area += alpha * (paint.fill(*window.shape, rng) - area)


def draw_figure(
    canvas: np.ndarray, parts: Sequence[Part], palette: np.ndarray, rng: Generator
) -> None:
    """Draw a posed figure, back to front, each role in a paint of its own.

    ``palette`` (C, 3) are the colours of the scene, of which some parts take one; others nearly
    vanish before what lies behind them.
    """
    paints: dict[str, Paint] = {}
    for part in parts:
        if part.role not in paints:
            blends = rng.random() < CAMOUFLAGE_SHARE
            paints[part.role] = (
                _camouflage(canvas, part.outline, rng)
                if blends
                else part_paint(part.outline, palette, rng)
            )
        draw(canvas, part.outline, paints[part.role], rng)


def part_paint(outline: np.ndarray, palette: np.ndarray, rng: Generator) -> Paint:
    """A paint for one part: a colour of the scene or one of its own, with a pattern."""
    colour = random_colour(rng)
    if rng.random() < PALETTE_SHARE:
        colour = palette[rng.integers(len(palette))] + _jitter(8, rng)
    return random_paint(rng, colour, _length(outline), PATTERN_CONTRAST)


def _camouflage(canvas: np.ndarray, outline: np.ndarray, rng: Generator) -> Paint:
    """A paint close to the mean colour of what the part will hide."""
    area = canvas[window_of([outline]).clipped(*canvas.shape[:2]).slices]
    colour = area.mean(axis=(0, 1)) if area.size else random_colour(rng)
    return random_paint(rng, colour + _jitter(CAMOUFLAGE_JITTER, rng), _length(outline), 0.25)


def _jitter(spread: float, rng: Generator) -> np.ndarray:
    return (spread * rng.standard_normal(3)).astype(np.float32)


def _length(outline: np.ndarray) -> float:
    return float(np.ptp(outline, axis=0).max())
