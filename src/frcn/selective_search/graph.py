"""The pixel graph of the segmentation, its edges sorted by weight.

A pixel is joined with its eight neighbours; an edge weighs the Euclidean distance of the two
colours. The sorted edges depend on the colour space only, so all thresholds k share them.

Weights are sorted exactly, as float32. With weights rounded to 15 significant bits one counting
sort would do in place of two, but two of the sixteen published hierarchies would be spoilt.

An edge's id is four times the raster index of its first pixel plus its direction.
Letters: H × W pixels, C channels, E edges.
Source: Felzenszwalb & Huttenlocher, IJCV 2004, §4–5.
"""

from typing import NamedTuple

import numba
import numpy as np

# Read as integers, positive float32 keep their order. All weights are below 2⁹, the first power of
# two above the largest distance in 0 … 255; what is not, is no edge.
END_OF_WEIGHTS = int(np.float32(2**9).view(np.uint32))
LOW_BITS = 13

# Right, below left, below, below right: each pair of neighbours once.
RIGHT = (1, -1, 0, 1)
DOWN = (0, 1, 1, 1)


class SortedEdges(NamedTuple):
    """All edges of an image, lightest first.

    Attributes:
        ids: (E,) uint32; those of equal weight are in ascending order.
        weights: (E,) float32, ascending.
    """

    ids: np.ndarray
    weights: np.ndarray


def sorted_edges(image: np.ndarray) -> SortedEdges:
    """The edges of an (H, W, C) float32 image of fewer than 2³⁰ pixels, in 0 … 255.

    A single channel counts as three equal ones, so that a threshold k means the same in every
    colour space.
    """
    distances = _distances(image, np.float32(3 / image.shape[2])).reshape(-1)
    ids = _radix_sort(distances.view(np.uint32))
    return SortedEdges(ids, _take(distances, ids))


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
    distances = np.empty((height, width, 4), np.float32)
    for y in range(height):
        for x in range(width):
            for direction in range(4):
                other_y = y + DOWN[direction]
                other_x = x + RIGHT[direction]
                if other_y == height or other_x == width or other_x < 0:
                    distances[y, x, direction] = np.inf
                    continue
                squared = np.float32(0)
                for c in range(channels):
                    difference = image[y, x, c] - image[other_y, other_x, c]
                    squared += difference * difference
                distances[y, x, direction] = np.sqrt(squared * channel_weight)
    return distances


@numba.njit(cache=True)
def _radix_sort(bits: np.ndarray) -> np.ndarray:
    """The ids of edges by their weights' bits: two counting sorts, by the low bits and the high."""
    low_bits, low_mask = np.uint32(LOW_BITS), np.uint32((1 << LOW_BITS) - 1)
    low = np.zeros(1 << LOW_BITS, np.uint32)
    high = np.zeros(END_OF_WEIGHTS >> LOW_BITS, np.uint32)
    for weight in bits:
        if weight < END_OF_WEIGHTS:
            low[weight & low_mask] += np.uint32(1)
            high[weight >> low_bits] += np.uint32(1)
    n_edges = _counts_to_starts(low)
    _counts_to_starts(high)
    by_low = np.empty(n_edges, np.uint32)
    for edge in range(len(bits)):
        if bits[edge] < END_OF_WEIGHTS:
            _place(by_low, low, bits[edge] & low_mask, np.uint32(edge))
    ids = np.empty(n_edges, np.uint32)
    for edge in by_low:
        _place(ids, high, bits[edge] >> low_bits, edge)
    return ids


@numba.njit(cache=True)
def _counts_to_starts(counts: np.ndarray) -> np.uint32:
    """Replace each digit's count by the place of its first edge; returns the sum of all."""
    total = np.uint32(0)
    for digit in range(len(counts)):
        total, counts[digit] = np.uint32(total + counts[digit]), total
    return total


@numba.njit(cache=True)
def _place(ids: np.ndarray, places: np.ndarray, digit: np.uint32, edge: np.uint32) -> None:
    """Put an edge at the next place of its digit."""
    ids[places[digit]] = edge
    places[digit] += np.uint32(1)


@numba.njit(cache=True)
def _take(weights: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """``weights[ids]``, in half the time that NumPy takes."""
    taken = np.empty(len(ids), np.float32)
    for i in range(len(ids)):
        taken[i] = weights[ids[i]]
    return taken
