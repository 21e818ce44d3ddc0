"""The pixel graph of the segmentation, its edges in buckets by weight.

A pixel is joined with its eight neighbours; an edge weighs the Euclidean distance of the two
colours. The buckets depend on the colour space only, so all thresholds k share them.

Edges are put in order in two steps, because of what a large picture costs: a sort of all of them
scatters writes over more memory than a processor caches. The first step fills few buckets in
raster order; the second, by the segmentation, sorts a bucket that has shrunk by then.
Weights are sorted exactly, as float32. With weights rounded to 15 significant bits one counting
sort would do in place of two, but two of the sixteen published hierarchies would be spoilt.

An edge's id is four times the raster index of its first pixel plus its direction.
Letters: H × W pixels, C channels, E edges, B buckets.
Source: Felzenszwalb & Huttenlocher, IJCV 2004, §4–5.
"""

from typing import NamedTuple

import numba
import numpy as np

# Read as integers, positive float32 keep their order. All weights are below 2⁹, the first power of
# two above the largest distance in 0 … 255; what is not, is no edge.
END_OF_WEIGHTS = int(np.float32(2**9).view(np.uint32))
# The digits of a weight, from the last: two that sort a bucket, above them its number. With
# twice as many buckets, a large picture takes twice the time to fill them.
LOW_BITS, MIDDLE_BITS = 11, 10
BUCKET_BITS = LOW_BITS + MIDDLE_BITS

# Right, below left, below, below right: each pair of neighbours once.
RIGHT = (1, -1, 0, 1)
DOWN = (0, 1, 1, 1)


class BucketedEdges(NamedTuple):
    """All edges of an image; those of a bucket are heavier than those of the bucket before.

    Attributes:
        keys: (E,) uint64, the bits of an edge's weight above the 32 of its id. Within a bucket the
            ids ascend; the order of keys is by weight, and by id where weights are equal.
        ends: (B,) uint32, where each bucket ends in ``keys``; many are empty. The first holds the
            weights of 0 and no other, as the root of any positive float32 is larger than its range.
    """

    keys: np.ndarray
    ends: np.ndarray


def bucketed_edges(image: np.ndarray) -> BucketedEdges:
    """The edges of an (H, W, C) float32 image of fewer than 2³⁰ pixels, in 0 … 255.

    A single channel counts as three equal ones, so that a threshold k means the same in every
    colour space.
    """
    # Here as in the segmentation NumPy allocates what is large: unlike Numba it asks for large
    # pages, which are quicker to get and to access at random.
    distances = np.empty((*image.shape[:2], 4), np.float32)
    places = np.zeros(END_OF_WEIGHTS >> BUCKET_BITS, np.uint32)
    _fill_distances(image, np.float32(3 / image.shape[2]), distances, places)
    keys = np.empty(_counts_to_starts(places), np.uint64)
    _fill_buckets(distances.reshape(-1).view(np.uint32), places, keys)
    return BucketedEdges(keys, places)


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
def key_weight(key: np.uint64) -> np.float32:
    """An edge's weight."""
    return np.uint32(key >> np.uint64(32)).view(np.float32)


@numba.njit(cache=True)
def sort_bucket(keys: np.ndarray, spare: np.ndarray) -> None:
    """Sort keys of one bucket, whose ids ascend; ``spare`` is as long and is overwritten."""
    low = np.zeros(1 << LOW_BITS, np.uint32)
    middle = np.zeros(1 << MIDDLE_BITS, np.uint32)
    for key in keys:
        low[_low_digit(key)] += np.uint32(1)
        middle[_middle_digit(key)] += np.uint32(1)
    _counts_to_starts(low)
    _counts_to_starts(middle)
    for key in keys:
        _place(spare, low, _low_digit(key), key)
    for key in spare:
        _place(keys, middle, _middle_digit(key), key)


@numba.njit(cache=True)
def _low_digit(key: np.uint64) -> np.uint64:
    return (key >> np.uint64(32)) & np.uint64((1 << LOW_BITS) - 1)


@numba.njit(cache=True)
def _middle_digit(key: np.uint64) -> np.uint64:
    return (key >> np.uint64(32 + LOW_BITS)) & np.uint64((1 << MIDDLE_BITS) - 1)


@numba.njit(cache=True)
def _fill_distances(
    image: np.ndarray, channel_weight: np.float32, distances: np.ndarray, counts: np.ndarray
) -> None:
    """The (H, W, 4) distances to all neighbours, infinite where there is none; counts buckets."""
    height, width, channels = image.shape
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
                distance = np.sqrt(squared * channel_weight)
                distances[y, x, direction] = distance
                counts[_bucket(distance)] += np.uint32(1)


@numba.njit(cache=True)
def _bucket(weight: np.float32) -> np.uint32:
    return np.float32(weight).view(np.uint32) >> np.uint32(BUCKET_BITS)


@numba.njit(cache=True)
def _fill_buckets(bits: np.ndarray, places: np.ndarray, keys: np.ndarray) -> None:
    """Put each edge's key into its bucket; ``places`` are moved from their starts to their ends."""
    for edge in range(len(bits)):
        weight = bits[edge]
        if weight < END_OF_WEIGHTS:
            key = np.uint64(weight) << np.uint64(32) | np.uint64(edge)
            _place(keys, places, weight >> np.uint32(BUCKET_BITS), key)


@numba.njit(cache=True)
def _counts_to_starts(counts: np.ndarray) -> np.uint32:
    """Replace each digit's count by the place of its first edge; returns the sum of all."""
    total = np.uint32(0)
    for digit in range(len(counts)):
        total, counts[digit] = np.uint32(total + counts[digit]), total
    return total


@numba.njit(cache=True)
def _place(keys: np.ndarray, places: np.ndarray, digit: np.uint32, key: np.uint64) -> None:
    """Put a key at the next place of its digit."""
    keys[places[digit]] = key
    places[digit] += np.uint32(1)
