"""Graph-based segmentation: the initial regions.

Edges are taken lightest first; two components merge when the edge between them is no heavier
than the heaviest edge inside either, plus k over its size. What is left smaller than a minimum
size is merged afterwards, again lightest edge first.

Most of a picture's edges end up inside a component without having joined anything. They are left
out before the sort, bucket by bucket ("filter-Kruskal"): in raster order that takes much less time
than in the order of weights, which jumps about the picture.

Letters: H × W pixels, E edges, N regions, P pairs.
Source: Felzenszwalb & Huttenlocher, IJCV 2004, algorithm 1 and §5;
Osipov, Sanders & Singler, ALENEX 2009, for the filter.
"""

import numba
import numpy as np

from frcn.selective_search.graph import (
    BucketedEdges,
    edge_pixels,
    key_weight,
    pixel_offsets,
    sort_bucket,
)

BATCH = 256
"""Edges whose pixels are looked up ahead."""


def segment(
    edges: BucketedEdges, height: int, width: int, k: float, min_size: float
) -> tuple[np.ndarray, np.ndarray]:
    """The regions of an image and which of them touch.

    Args:
        edges: from :func:`frcn.selective_search.graph.bucketed_edges`.
        height: H.
        width: W.
        k: the threshold; a larger one gives larger regions.
        min_size: regions have at least this many pixels, or are the whole image.

    Returns:
        labels: (H, W) int32 in 0 … N-1, numbered in the raster order of first pixels.
        neighbours: (P, 2) int32 pairs of regions that touch along a pixel's side, the lower
            label first, ordered, no pair twice. (Pairs that touch at corners only do not count:
            the published boxes say so.)
    """
    offsets = pixel_offsets(width)
    parent = np.arange(height * width, dtype=np.uint32)
    size = np.ones(height * width, np.int32)
    limit = np.full(height * width, k, np.float32)
    # None of the first bucket is copied: a flat picture has nearly all edges there.
    kept = np.empty((2, max(BATCH, np.diff(edges.ends).max())), np.uint64)
    refused = np.empty(len(edges.keys), np.uint32)
    n_refused = _merge_similar(*edges, offsets, parent, size, limit, np.float32(k), kept, refused)
    _merge_small(refused[:n_refused], offsets, parent, size, float(min_size))
    labels = np.empty((height, width), np.int32)
    n_regions = _number(parent, size, labels.reshape(-1))
    return labels, _neighbours(labels, n_regions)


@numba.njit(cache=True)
def _find(parent: np.ndarray, i: np.uint32) -> np.uint32:
    """The root of i's component, halving the path to it."""
    # The first step is taken unasked: most paths end there, so the loop's branch is foreseeable.
    above = parent[parent[i]]
    parent[i] = above
    i = above
    above = parent[i]
    while above != i:
        parent[i] = parent[above]
        i = parent[i]
        above = parent[i]
    return i


@numba.njit(cache=True)
def _join(parent: np.ndarray, size: np.ndarray, a: np.uint32, b: np.uint32) -> np.uint32:
    """Hang the smaller of two roots below the larger; returns the root of both."""
    swap = size[a] < size[b]
    root = b if swap else a
    parent[a if swap else b] = root
    size[root] = size[a] + size[b]
    return root


@numba.njit(cache=True)
def _merge_similar(
    keys: np.ndarray,
    ends: np.ndarray,
    offsets: np.ndarray,
    parent: np.ndarray,
    size: np.ndarray,
    limit: np.ndarray,
    k: np.float32,
    kept: np.ndarray,
    refused: np.ndarray,
) -> int:
    """Algorithm 1. Fills ``refused`` with the ids that were refused, in order; returns how many.

    A refused edge stays between two components, since one of them never grows again; all others
    end up inside one. What follows needs the refused ones only.
    """
    n_refused = 0
    for bucket in range(len(ends)):
        if bucket == 0:
            # All weights are 0: raster order is right.
            ordered = keys[: ends[0]]
        else:
            n = _keep_between(keys[ends[bucket - 1] : ends[bucket]], offsets, parent, kept[0])
            ordered = kept[0, :n]
            sort_bucket(ordered, kept[1, :n])
        for start in range(0, len(ordered), BATCH):
            n = _keep_between(ordered[start : start + BATCH], offsets, parent, kept[1])
            for key in kept[1, :n]:
                first, second = edge_pixels(np.uint32(key), offsets)
                a = _find(parent, first)
                b = _find(parent, second)
                if a == b:
                    continue
                weight = key_weight(key)
                if weight <= min(limit[a], limit[b]):
                    root = _join(parent, size, a, b)
                    limit[root] = weight + k / np.float32(size[root])
                else:
                    refused[n_refused] = np.uint32(key)
                    n_refused += 1
    return n_refused


@numba.njit(cache=True)
def _keep_between(
    keys: np.ndarray, offsets: np.ndarray, parent: np.ndarray, kept: np.ndarray
) -> np.uint32:
    """Copy to ``kept`` all keys but of edges that are seen to be inside a component."""
    n = np.uint32(0)
    for key in keys:
        first, second = edge_pixels(np.uint32(key), offsets)
        # Two steps up reach most roots, and without a loop there is no branch to foresee.
        a = parent[parent[first]]
        b = parent[parent[second]]
        parent[first] = a
        parent[second] = b
        kept[n] = key
        n += np.uint32(a != b)
    return n


@numba.njit(cache=True)
def _merge_small(
    ids: np.ndarray, offsets: np.ndarray, parent: np.ndarray, size: np.ndarray, min_size: float
) -> None:
    """Merge along the lightest edges until no component is smaller than ``min_size``."""
    for edge in ids:
        first, second = edge_pixels(edge, offsets)
        a = _find(parent, first)
        b = _find(parent, second)
        if a != b and (size[a] < min_size or size[b] < min_size):
            _join(parent, size, a, b)


@numba.njit(cache=True)
def _number(parent: np.ndarray, size: np.ndarray, labels: np.ndarray) -> int:
    """Fills (H·W,) labels, consecutive in order of appearance; returns how many there are.

    A root's size gives way to its label, -1 - label.
    """
    n = 0
    for i in range(len(parent)):
        root = _find(parent, np.uint32(i))
        if size[root] > 0:
            size[root] = -1 - n
            n += 1
        labels[i] = -1 - size[root]
    return n


@numba.njit(cache=True)
def _neighbours(labels: np.ndarray, n_regions: int) -> np.ndarray:
    """(P, 2) pairs of labels that touch: collected, then a counting sort by label, twice."""
    height, width = labels.shape
    n_pairs = 0
    # Counted first: an array for every pixel would be mostly empty.
    for y in range(height):
        for x in range(width):
            n_pairs += x + 1 < width and labels[y, x] != labels[y, x + 1]
            n_pairs += y + 1 < height and labels[y, x] != labels[y + 1, x]
    pairs = np.empty((n_pairs, 2), np.int32)
    n_pairs = 0
    for y in range(height):
        for x in range(width):
            for other_y, other_x in ((y, x + 1), (y + 1, x)):
                if other_y < height and other_x < width:
                    a, b = labels[y, x], labels[other_y, other_x]
                    if a != b:
                        pairs[n_pairs, 0] = min(a, b)
                        pairs[n_pairs, 1] = max(a, b)
                        n_pairs += 1
    ordered = _counting_sort(_counting_sort(pairs, 1, n_regions), 0, n_regions)
    n_unique = 0
    for i in range(n_pairs):
        if i == 0 or ordered[i, 0] != ordered[i - 1, 0] or ordered[i, 1] != ordered[i - 1, 1]:
            ordered[n_unique] = ordered[i]
            n_unique += 1
    return ordered[:n_unique].copy()


@numba.njit(cache=True)
def _counting_sort(pairs: np.ndarray, column: int, n_values: int) -> np.ndarray:
    """Rows ordered by a column of integers below ``n_values``; stable."""
    starts = np.zeros(n_values + 1, np.int64)
    for i in range(len(pairs)):
        starts[pairs[i, column] + 1] += 1
    for value in range(n_values):
        starts[value + 1] += starts[value]
    out = np.empty_like(pairs)
    for i in range(len(pairs)):
        value = pairs[i, column]
        out[starts[value]] = pairs[i]
        starts[value] += 1
    return out
