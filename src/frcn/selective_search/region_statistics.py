"""Sizes, boxes, colour and texture histograms of all regions, in one pass over the image.

Letters: H × W pixels, C channels, N regions, B bins.
Source: Uijlings et al., IJCV 2013, §3.2.
"""

from typing import NamedTuple

import numba
import numpy as np

from frcn.selective_search.texture import AXES, LEVELS, fill_texture_levels

COLOUR_BINS = 25
"""Bins of one channel's histogram."""


class RegionStatistics(NamedTuple):
    """What the similarities compare, for N regions. All add up when regions merge.

    Attributes:
        sizes: (N,) int64 numbers of pixels.
        boxes: (N, 4) int32 ``x1 y1 x2 y2``, inclusive.
        colour: (N, C·25) int32 numbers of pixels per bin.
        texture: (N, C·8·10) int32 numbers of pixels per bin.
    """

    sizes: np.ndarray
    boxes: np.ndarray
    colour: np.ndarray
    texture: np.ndarray


def pixel_bins(image: np.ndarray) -> np.ndarray:
    """(5, H, W, C) uint8 of an (H, W, C) float32 image in 0 … 255: each pixel's histogram bins.

    One plane of colour, then one for each axis of texture. They do not depend on the
    segmentation.
    """
    bins = np.empty((1 + AXES, *image.shape), np.uint8)
    _quantise(image.ravel(), bins[0].reshape(-1))
    fill_texture_levels(image, bins[1:])
    return bins


def region_statistics(labels: np.ndarray, bins: np.ndarray) -> RegionStatistics:
    """Statistics of the regions in (H, W) int32 ``labels``, from ``pixel_bins``."""
    n_regions = int(labels.max()) + 1
    sizes, boxes = _extents(labels, n_regions)
    colour, signed = _histograms(labels, bins, n_regions)
    return RegionStatistics(sizes, boxes, colour, _split_signs(signed, sizes))


@numba.njit(cache=True)
def _quantise(values: np.ndarray, bins: np.ndarray) -> None:
    """The colour bin of each value."""
    for i in range(len(values)):
        bin_ = max(values[i] * np.float32(COLOUR_BINS / 255), np.float32(0))
        bins[i] = np.uint8(min(bin_, np.float32(COLOUR_BINS - 1)))


@numba.njit(cache=True)
def _extents(labels: np.ndarray, n_regions: int) -> tuple[np.ndarray, np.ndarray]:
    height, width = labels.shape
    sizes = np.zeros(n_regions, np.int64)
    boxes = np.empty((n_regions, 4), np.int32)
    boxes[:, :2] = max(height, width)
    boxes[:, 2:] = -1
    for y in range(height):
        for x in range(width):
            region = labels[y, x]
            sizes[region] += 1
            box = boxes[region]
            box[0] = min(box[0], x)
            box[1] = min(box[1], y)
            box[2] = max(box[2], x)
            box[3] = max(box[3], y)
    return sizes, boxes


@numba.njit(cache=True)
def _histograms(
    labels: np.ndarray, bins: np.ndarray, n_regions: int
) -> tuple[np.ndarray, np.ndarray]:
    _, height, width, channels = bins.shape
    colour = np.zeros((n_regions, channels * COLOUR_BINS), np.int32)
    signed = np.zeros((n_regions, channels * AXES * 2 * LEVELS), np.int32)
    for y in range(height):
        for x in range(width):
            region = labels[y, x]
            for c in range(channels):
                colour[region, c * COLOUR_BINS + bins[0, y, x, c]] += 1
                for axis in range(AXES):
                    start = (c * AXES + axis) * 2 * LEVELS
                    signed[region, start + bins[1 + axis, y, x, c]] += 1
    return colour, signed


def _split_signs(signed: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Histograms of two opposite orientations from those of signed responses.

    A response against an orientation counts as none along it, so it joins that one's lowest
    level: all 10 levels of an orientation then sum to the region's size.
    """
    texture = signed.reshape(len(sizes), -1, LEVELS).copy()
    texture[:, :, 0] = sizes[:, None] - texture[:, :, 1:].sum(axis=2)
    return texture.reshape(signed.shape)
