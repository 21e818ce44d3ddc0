"""One picture of the detection set: objects over clutter, and what can be seen of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from frcn.boxes import areas, iou
from frcn.data.shapes.clutter import (
    background,
    draw_neighbours,
    draw_stray_parts,
    photograph,
    random_palette,
)
from frcn.data.shapes.detection_figures import FIGURES, FREQUENCIES
from frcn.data.shapes.drawing import FILLED, coverage, draw_figure, pose, window_of
from frcn.data.shapes.outlines import Part
from frcn.data.voc_tree import VOCObject
from frcn.seeding import numpy_generator

WIDTH, HEIGHT = 256, 192
SIZES = (10, 52, 190)
"""Longer side of an object in pixels: smallest, most frequent, largest, on a log scale."""
OBJECTS_PER_IMAGE = (0.16, 0.25, 0.24, 0.15, 0.1, 0.06, 0.04)
"""Probabilities of 1, 2, … 7 objects."""
OVERLAP_LIMIT = 0.35
"""Placements are tried anew while an object's box overlaps another's by more than this IoU."""
PLACEMENTS = 5
MIN_VISIBLE = 0.15
DIFFICULT_VISIBLE = 0.5
DIFFICULT_SIDE = 12
"""An object is difficult if less than this share, or a box narrower than this, can be seen."""
STRAY_PARTS = (3, 9)
NEIGHBOURS = (0, 3)
OCCLUDERS = (0, 3)
NOBODY = 0


@dataclass(frozen=True)
class Scene:
    """A picture, its objects, and ``owner``: (H, W) uint8, i + 1 where object i is seen."""

    image: np.ndarray
    objects: list[VOCObject]
    owner: np.ndarray


def render(seed: int, split: str, index: int) -> Scene:
    """Image ``index`` of a split; it depends on nothing but the arguments.

    At least one of its objects is not difficult.
    """
    rng = numpy_generator(seed, "shapes", split, str(index))
    while True:
        scene = _compose(rng)
        if not all(thing.difficult for thing in scene.objects):
            return scene


def _compose(rng: Generator) -> Scene:
    palette = random_palette(rng)
    canvas = background(HEIGHT, WIDTH, palette, rng)
    draw_stray_parts(canvas, int(rng.integers(*STRAY_PARTS)), palette, rng)
    names, figures = _place(rng)
    owner = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    totals = []
    for number, parts in enumerate(figures, start=1):
        neighbours = int(rng.integers(*NEIGHBOURS))
        for outline in draw_neighbours(canvas, parts, neighbours, palette, rng):
            _claim(owner, [outline], NOBODY)
        draw_figure(canvas, parts, palette, rng)
        totals.append(_claim(owner, [part.outline for part in parts], number))
    for outline in draw_stray_parts(canvas, int(rng.integers(*OCCLUDERS)), palette, rng):
        _claim(owner, [outline], NOBODY)
    objects, owner = _annotate(names, totals, owner)
    return Scene(photograph(canvas, rng), objects, owner)


def _place(rng: Generator) -> tuple[list[str], list[list[Part]]]:
    """Classes and posed parts of a scene's objects, larger ones further back."""
    count = 1 + int(rng.choice(len(OBJECTS_PER_IMAGE), p=OBJECTS_PER_IMAGE))
    names = rng.choice(list(FREQUENCIES), size=count, p=list(FREQUENCIES.values())).tolist()
    sizes = np.sort(np.exp(rng.triangular(*np.log(SIZES), count)))[::-1]
    figures: list[list[Part]] = []
    boxes = np.zeros((0, 4))
    for name, size in zip(names, sizes, strict=True):
        for _ in range(PLACEMENTS):
            centre = rng.uniform(0.04, 0.96, 2) * (WIDTH, HEIGHT)
            parts = pose(FIGURES[name], size, centre, rng)
            window = window_of([part.outline for part in parts])
            box = np.array([[window.x1, window.y1, window.x2 - 1, window.y2 - 1]])
            if _acceptable(box, boxes):
                break
        figures.append(parts)
        boxes = np.concatenate([boxes, box])
    return names, figures


def _acceptable(box: np.ndarray, others: np.ndarray) -> bool:
    inside = np.clip(box, 0, [WIDTH - 1, HEIGHT - 1, WIDTH - 1, HEIGHT - 1])
    if areas(inside)[0] < 0.5 * areas(box)[0]:
        return False
    return not len(others) or float(iou(box, others).max()) <= OVERLAP_LIMIT


@dataclass(frozen=True)
class _Extent:
    """Pixels of a silhouette: all of them, and those beyond the image's border."""

    pixels: int
    outside: int


def _claim(owner: np.ndarray, outlines: Sequence[np.ndarray], number: int) -> _Extent:
    """Mark a silhouette's pixels as seen to belong to ``number``, from now on."""
    window = window_of(outlines)
    mask = coverage(outlines, window) > FILLED // 2
    inside = window.clipped(*owner.shape)
    visible = mask[
        inside.y1 - window.y1 : inside.y2 - window.y1, inside.x1 - window.x1 : inside.x2 - window.x1
    ]
    owner[inside.slices][visible] = number
    return _Extent(int(mask.sum()), int(mask.sum() - visible.sum()))


def _annotate(
    names: Sequence[str], extents: Sequence[_Extent], owner: np.ndarray
) -> tuple[list[VOCObject], np.ndarray]:
    """Objects that can be seen well enough, and the owner map numbered by them."""
    objects: list[VOCObject] = []
    renumbered = np.zeros_like(owner)
    for number, (name, extent) in enumerate(zip(names, extents, strict=True), start=1):
        visible = owner == number
        share = visible.sum() / extent.pixels
        if share < MIN_VISIBLE:
            continue
        rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
        box = (int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1]))
        narrow = min(box[2] - box[0], box[3] - box[1]) + 1 < DIFFICULT_SIDE
        difficult = narrow or share < DIFFICULT_VISIBLE
        objects.append(VOCObject(name, box, bool(difficult), truncated=extent.outside > 0))
        renumbered[visible] = len(objects)
    return objects, renumbered
