"""The pixel graph of the segmentation, its edges sorted by weight.

A pixel is joined with its eight neighbours; an edge weighs the Euclidean distance of the two
colours. The sorted edges depend on the colour space only, so all thresholds k share them.

Weights are rounded down to 14 bits after the leading one. One counting sort can then order them,
which takes half the time of a radix sort of exact weights and, unlike a coarser or an even
spacing, changes none of the initial regions that stand in the published boxes.

An edge's id is four times the raster index of its first pixel plus its direction.
Letters: H × W pixels, C channels, E edges, T weight steps.
Source: Felzenszwalb & Huttenlocher, IJCV 2004, §4–5.
"""

from typing import NamedTuple

import numba
import numpy as np

# A positive float32, read as an integer, counts its octaves and below them its steps. From 2⁻⁷
# (all that is lighter becomes 0) to 2⁹, above the largest distance in 0 … 255, are 2¹⁸ steps.
DROPPED_BITS = 23 - 14
FIRST_STEP = (127 - 7) << 14
N_STEPS = 16 << 14

# Right, below left, below, below right: each pair of neighbours once.
RIGHT = (1, -1, 0, 1)
DOWN = (0, 1, 1, 1)


class SortedEdges(NamedTuple):
    """All edges of an image, lightest first.

    Attributes:
        ids: (E,) uint32; those of equal weight are in ascending order.
        ends: (T,) uint32; ids[ends[t - 1] : ends[t]] have weight t.
        weights: (T,) float32, ascending.
    """

    ids: np.ndarray
    ends: np.ndarray
    weights: np.ndarray


def sorted_edges(image: np.ndarray) -> SortedEdges:
    """The edges of an (H, W, C) float32 image of fewer than 2³⁰ pixels, in 0 … 255.

    A single channel counts as three equal ones, so that a threshold k means the same in every
    colour space.
    """
    distances = _distances(image, np.float32(3 / image.shape[2]))
    ids, ends = _counting_sort(distances.reshape(-1).view(np.uint32))
    weights = ((np.arange(N_STEPS, dtype=np.uint32) + FIRST_STEP) << DROPPED_BITS).view(np.float32)
    weights[0] = 0
    return SortedEdges(ids, ends, weights)


@numba.njit(cache=True)
def pixel_offsets(width: int) -> np.ndarray:
    """(4,) uint32: what to add to a pixel's raster index for its neighbour in each direction.

    Backwards is a large number: sums of uint32 wrap around. Unsigned indices are worth that, as
    Numba asks of every signed one whether it counts from the end.
    """
    return (np.array(DOWN) * width + np.array(RIGHT)).astype(np.uint32)


@numba.njit(cache=True)
def edge_pixels(edge: np.uint32, offsets: np.ndarray) -> tuple[np.uint32, np.uint32]:
    """The raster indices of the two pixels that an edge joins."""
    first = np.uint32(edge >> np.uint32(2))
    return first, np.uint32(first + offsets[edge & np.uint32(3)])


@numba.njit(cache=True)
def _distances(image: np.ndarray, channel_weight: np.float32) -> np.ndarray:
    """(H, W, 4) float32 colour distance to each neighbour, infinite where there is none."""
    height, width, channels = image.shape
    distances = np.full((height, width, 4), np.inf, np.float32)
    for y in range(height):
        for x in range(width):
            for direction in range(4):
                other_y = y + DOWN[direction]
                other_x = x + RIGHT[direction]
                if other_y == height or other_x == width or other_x < 0:
                    continue
                squared = np.float32(0)
                for c in range(channels):
                    difference = image[y, x, c] - image[other_y, other_x, c]
                    squared += difference * difference
                distances[y, x, direction] = np.sqrt(squared * channel_weight)
    return distances


@numba.njit(cache=True)
def _step(bits: np.uint32) -> np.uint32:
    """The step of a weight given as the bits of a float32; ``N_STEPS`` or more if infinite."""
    return np.uint32(max(np.int32(bits >> np.uint32(DROPPED_BITS)) - np.int32(FIRST_STEP), 0))


@numba.njit(cache=True)
def _counting_sort(bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ids of edges in order of their weights' bits, and where each weight's end."""
    places = np.zeros(N_STEPS, np.uint32)
    for edge in range(len(bits)):
        step = _step(bits[edge])
        if step < N_STEPS:
            places[step] += np.uint32(1)
    n_edges = np.uint32(0)
    for step in range(N_STEPS):
        n_edges, places[step] = np.uint32(n_edges + places[step]), n_edges
    ids = np.empty(n_edges, np.uint32)
    for edge in range(len(bits)):
        step = _step(bits[edge])
        if step < N_STEPS:
            ids[places[step]] = edge
            places[step] += np.uint32(1)
    return ids, places
