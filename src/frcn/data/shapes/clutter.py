"""What is not an object: backgrounds, stray parts, and what the camera does."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import Generator

from frcn.data.shapes.drawing import any_paint, draw
from frcn.data.shapes.outlines import UPPER_HALF, Part, bar, box, ellipse, ring, star, transform
from frcn.data.shapes.textures import random_colour, random_paint, smooth_field

PALETTE_COLOURS = 4


def random_palette(rng: Generator) -> np.ndarray:
    """(C, 3) float32 colours that a scene's background and some of its parts share."""
    muted = {"brightness": (0.25, 0.9), "saturation": (0.05, 0.4)}
    return np.stack([random_colour(rng, **muted) for _ in range(PALETTE_COLOURS)])


def background(height: int, width: int, palette: np.ndarray, rng: Generator) -> np.ndarray:
    """An (height, width, 3) float32 canvas: a textured ground with a few textured patches."""
    side = max(height, width)
    canvas = random_paint(rng, palette[0], side / 2, 0.25).fill(height, width, rng)
    for _ in range(int(rng.integers(2, 5))):
        centre = rng.uniform(0, 1, 2) * (width, height)
        outline = _wobbly(rng.uniform(0.2, 0.6) * side, rng) + centre
        colour = palette[rng.integers(len(palette))]
        draw(canvas, outline, random_paint(rng, colour, side / 3, 0.25), rng)
    return canvas


def draw_stray_parts(
    canvas: np.ndarray, count: int, palette: np.ndarray, rng: Generator
) -> list[np.ndarray]:
    """Draw ``count`` distractors anywhere and return their outlines."""
    height, width = canvas.shape[:2]
    sizes = (max(height, width) / 30, max(height, width) / 3)
    places = rng.uniform(0, 1, (count, 2)) * (width, height)
    return [_draw_stray_part(canvas, place, sizes, palette, rng) for place in places]


def draw_neighbours(
    canvas: np.ndarray, parts: Sequence[Part], count: int, palette: np.ndarray, rng: Generator
) -> list[np.ndarray]:
    """Draw ``count`` distractors that will touch a figure and return their outlines.

    Drawn before the figure they stick out from behind it, so that its outline is not simply
    where something ends.
    """
    points = np.concatenate([part.outline for part in parts])
    length = np.ptp(points, axis=0).max()
    places = points[rng.integers(len(points), size=count)]
    sizes = (0.3 * length, 0.8 * length)
    return [_draw_stray_part(canvas, place, sizes, palette, rng) for place in places]


def _draw_stray_part(
    canvas: np.ndarray,
    centre: np.ndarray,
    sizes: tuple[float, float],
    palette: np.ndarray,
    rng: Generator,
) -> np.ndarray:
    """Draw one part like those of the figures, but alone; return its outline."""
    shape = int(rng.integers(6))
    ratio = rng.uniform(0.3, 1)
    outline = (
        ellipse(0, 0, 1, ratio),
        box(-1, -ratio, 1, ratio, rng.uniform(-0.6, 0.9)),
        bar(-1, 0, 1, 0, rng.uniform(0.1, 0.25)),
        ring(0, 0, 1, rng.uniform(0.15, 0.5)),
        star(0, 0, 1, rng.uniform(0.3, 0.7), int(rng.integers(3, 7))),
        ellipse(0, 0, 1, ratio, UPPER_HALF),
    )[shape]
    turn = rng.uniform(0, 2 * np.pi)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    radius = np.exp(rng.uniform(*np.log(sizes))) / 2
    outline = transform(outline, radius * rotation, centre)
    draw(canvas, outline, any_paint(outline, palette, rng), rng)
    return outline


def photograph(canvas: np.ndarray, rng: Generator) -> np.ndarray:
    """The canvas under uneven light, a little out of focus and noisy, as uint8."""
    height, width = canvas.shape[:2]
    light = 0.8 + 0.4 * smooth_field(height, width, max(height, width) / 1.5, rng)
    blurred = cv2.GaussianBlur(canvas * light[:, :, None], (0, 0), rng.uniform(0.5, 1.1))
    grain = rng.standard_normal((height, width, 1), dtype=np.float32)
    return np.clip(blurred + rng.uniform(1, 5) * grain, 0, 255).astype(np.uint8)


def _wobbly(size: float, rng: Generator) -> np.ndarray:
    """A rounded random outline about the origin, ``size`` pixels across."""
    angles = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    radii = np.ones_like(angles)
    for order in (2, 3, 5):
        radii += rng.uniform(0, 0.3) * np.sin(order * angles + rng.uniform(0, 2 * np.pi))
    return size / 2 * radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
