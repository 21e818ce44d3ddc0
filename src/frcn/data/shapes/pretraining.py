"""The pre-training set: one figure of another class about the middle of a square picture."""

import numpy as np

from frcn.data.shapes.clutter import background, draw_stray_parts, photograph, random_palette
from frcn.data.shapes.drawing import draw_figure, pose
from frcn.data.shapes.pretraining_figures import FIGURES
from frcn.seeding import numpy_generator

PRETRAINING_CLASSES = tuple(FIGURES)
STRAY_PARTS = (0, 3)


def pretraining_batch(
    n: int, size: int, seed: int, start: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Images ``start`` … ``start + n - 1`` of the pre-training set with that seed.

    Each image depends on (seed, its number, size) alone, so batches may be drawn in any order
    and by several processes.

    Returns:
        images (n, size, size, 3) uint8 BGR; labels (n,) int64, 0…len(PRETRAINING_CLASSES) - 1.
    """
    images = np.empty((n, size, size, 3), dtype=np.uint8)
    labels = np.empty(n, dtype=np.int64)
    for i in range(n):
        images[i], labels[i] = _render(seed, start + i, size)
    return images, labels


def _render(seed: int, index: int, size: int) -> tuple[np.ndarray, int]:
    rng = numpy_generator(seed, "shapes-pretraining", str(index))
    label = int(rng.integers(len(PRETRAINING_CLASSES)))
    palette = random_palette(rng)
    canvas = background(size, size, palette, rng)
    draw_stray_parts(canvas, int(rng.integers(*STRAY_PARTS)), palette, rng)
    centre = size / 2 + rng.uniform(-0.1, 0.1, 2) * size
    length = rng.uniform(0.55, 1.0) * size
    draw_figure(
        canvas, pose(FIGURES[PRETRAINING_CLASSES[label]], length, centre, rng), palette, rng
    )
    return photograph(canvas, rng), label
