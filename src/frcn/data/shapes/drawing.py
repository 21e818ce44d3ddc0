"""Posing a figure and drawing its parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from frcn.data.shapes.materials import HUE_SPREAD, HUES, MATERIALS
from frcn.data.shapes.outlines import Part, transform
from frcn.data.shapes.textures import Paint, random_colour, random_paint

MAX_TURN = np.radians(25)
SUBPIXEL_BITS = 4
PALETTE_SHARE = 0.5
"""How often what is made of anything takes a colour that the scene already has."""
ANYTHING_SHARE = 0.05
"""How often a part is made of anything instead of its usual material."""
VANISHING_SHARE = 0.6
VANISHING_JITTER = 10
"""How often a role of a figure takes the colour of what it hides, and by how many levels it
misses it: proposals from colour lose such parts, a net that knows the class need not."""
PATTERN_CONTRAST = 0.6
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

    In many figures a role at the rim nearly vanishes before the backdrop. ``palette`` (C, 3) are
    the colours of the scene, of which some parts take one.
    """
    backdrop = canvas.copy()
    vanishing = rng.choice(_rim_roles(parts)) if rng.random() < VANISHING_SHARE else None
    paints: dict[str, Paint] = {}
    for part in parts:
        if part.role not in paints:
            paints[part.role] = (
                _camouflage(backdrop, part.outline, rng)
                if part.role == vanishing
                else _role_paint(part, palette, rng)
            )
        draw(canvas, part.outline, paints[part.role], rng)


def _rim_roles(parts: Sequence[Part]) -> list[str]:
    """Roles of the parts that reach the left, right, top or bottom end of the figure."""
    lows = np.stack([part.outline.min(axis=0) for part in parts])
    highs = np.stack([part.outline.max(axis=0) for part in parts])
    reach = (lows == lows.min(axis=0)) | (highs == highs.max(axis=0))
    roles = (part.role for part, ends in zip(parts, reach.any(axis=1), strict=True) if ends)
    return list(dict.fromkeys(roles))


def _role_paint(part: Part, palette: np.ndarray, rng: Generator) -> Paint:
    if rng.random() < ANYTHING_SHARE:
        return any_paint(part.outline, palette, rng)
    material = MATERIALS[part.role]
    hue = HUES[part.role] + HUE_SPREAD * rng.standard_normal()
    colour = random_colour(rng, material.brightness, hue=hue)
    return random_paint(rng, colour, _length(part.outline), PATTERN_CONTRAST, material.family)


def any_paint(outline: np.ndarray, palette: np.ndarray, rng: Generator) -> Paint:
    """A paint for one part: a colour of the scene or one of its own, with any pattern."""
    colour = random_colour(rng)
    if rng.random() < PALETTE_SHARE:
        colour = palette[rng.integers(len(palette))] + _jitter(8, rng)
    return random_paint(rng, colour, _length(outline), PATTERN_CONTRAST)


def _camouflage(backdrop: np.ndarray, outline: np.ndarray, rng: Generator) -> Paint:
    """A paint close to the mean colour of what the part will hide."""
    area = backdrop[window_of([outline]).clipped(*backdrop.shape[:2]).slices]
    colour = area.mean(axis=(0, 1)) if area.size else random_colour(rng)
    return random_paint(rng, colour + _jitter(VANISHING_JITTER, rng), _length(outline), 0.1)


def _jitter(spread: float, rng: Generator) -> np.ndarray:
    return (spread * rng.standard_normal(3)).astype(np.float32)


def _length(outline: np.ndarray) -> float:
    return float(np.ptp(outline, axis=0).max())
