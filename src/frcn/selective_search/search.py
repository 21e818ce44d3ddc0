"""Selective search from end to end."""

import numpy as np

from frcn.boxes import sides_at_least, without_duplicates
from frcn.errors import UserError
from frcn.selective_search.agreement import agreement_order
from frcn.selective_search.colour_spaces import COLOUR_SPACES
from frcn.selective_search.graph import bucketed_edges
from frcn.selective_search.grouping import group
from frcn.selective_search.presets import PRESETS, Preset
from frcn.selective_search.ranking import random_rank, raster_order
from frcn.selective_search.region_statistics import pixel_bins, region_statistics
from frcn.selective_search.segmentation import segment
from frcn.selective_search.smoothing import smooth

LARGEST_IMAGE = 1 << 28
"""Pixels; four edges each, and their ids are below 2³²."""


def selective_search(image: np.ndarray, preset: str | Preset = "fast", seed: int = 0) -> np.ndarray:
    """Boxes in a picture that are likely to hold an object.

    Deterministic for picture, preset and seed, on any number of processes. The set of boxes
    does not depend on the seed, only their order does. 24 megapixels take 2.4 GB of memory.

    Args:
        image: (H, W, 3) uint8 BGR.
        preset: a name in ``PRESETS`` (``fast``, ``quality``, ``single``, ``iccv11``) or a
            ``Preset`` of one's own.
        seed: of the random ranking, 0 or more.

    Returns:
        (R, 4) ``x1 y1 x2 y2``, 0-based inclusive, no two alike, best first: int16, or int32 if
        a side is longer than 32 768 pixels. R is 0 if no box reaches the preset's smallest side,
        as in a picture smaller than that.

    Raises:
        UserError: the picture, the preset or the seed is not as above.

    Source: Uijlings et al., IJCV 2013; van de Sande et al., ICCV 2011 for ``iccv11``.
    """
    settings = _check_preset(preset)
    _check_image(image)
    _check_seed(seed)
    found = hierarchies(image, settings)
    boxes = without_duplicates(_in_order(found, settings, seed))
    boxes = boxes[sides_at_least(boxes, settings.min_side)]
    return boxes.astype(np.int16 if max(image.shape) <= 1 << 15 else np.int32)


def hierarchies(image: np.ndarray, preset: Preset) -> list[np.ndarray]:
    """The (M, 4) int32 boxes of every strategy's hierarchy, in the order of merging."""
    return [
        boxes
        for name in preset.colour_spaces
        for boxes in _hierarchies_of_space(COLOUR_SPACES[name](image), preset)
    ]


def _hierarchies_of_space(colours: np.ndarray, preset: Preset) -> list[np.ndarray]:
    """Those of one colour space; its edges and bins are given back before the next one's."""
    height, width = colours.shape[:2]
    bins = pixel_bins(colours)
    edges = bucketed_edges(smooth(colours, preset.sigma))
    found = []
    for k in preset.k:
        labels, neighbours = segment(edges, height, width, k, min_size=k)
        statistics = region_statistics(labels, bins)
        found += [group(statistics, neighbours, s)[0] for s in preset.similarities]
    return found


def _in_order(found: list[np.ndarray], settings: Preset, seed: int) -> np.ndarray:
    if settings.order == "agreement":
        return agreement_order(found, settings.min_side)
    if settings.order == "raster":
        return raster_order(np.concatenate(found))
    return random_rank(found, seed)


def _check_image(image: np.ndarray) -> None:
    wanted = "wanted (H, W, 3) uint8 in BGR order, as cv2.imread(path) returns"
    if not isinstance(image, np.ndarray):
        raise UserError(f"The picture is a {type(image).__name__}; {wanted}.")
    found = f"The picture is {image.shape} {image.dtype}; {wanted}"
    if image.ndim != 3 or image.shape[2] != 3:
        remedy = "convert it, e.g. by cv2.cvtColor with COLOR_GRAY2BGR or COLOR_BGRA2BGR"
        raise UserError(f"{found}; {remedy}.")
    if image.dtype != np.uint8:
        raise UserError(f"{found}; scale its values to 0 … 255 and use .astype(np.uint8).")
    if image.size == 0:
        raise UserError(f"{found}, with at least one pixel; check how it was cropped.")
    if image.shape[0] * image.shape[1] > LARGEST_IMAGE:
        raise UserError(f"{found}, of at most {LARGEST_IMAGE} pixels; make it smaller.")


def _check_preset(preset: str | Preset) -> Preset:
    if isinstance(preset, str) and preset in PRESETS:
        return PRESETS[preset]
    if isinstance(preset, Preset):
        return preset
    raise UserError(f"The preset is {preset!r}; wanted a Preset or one of {', '.join(PRESETS)}.")


def _check_seed(seed: int) -> None:
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise UserError(f"The seed is {seed!r}; wanted an integer of 0 or more.")
