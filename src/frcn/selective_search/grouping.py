"""Hierarchical grouping: merge the most similar neighbours until the image is one region.

Letters: N initial regions, M = 2N - 1 regions of the hierarchy, P pairs of neighbours, B bins.
Source: Uijlings et al., IJCV 2013, algorithm 1.
"""

import numba
import numpy as np

from frcn.selective_search.region_statistics import RegionStatistics
from frcn.selective_search.similarities import (
    fill_similarity,
    fixed_point_shares,
    histogram_intersection,
    size_similarity,
)
from frcn.selective_search.tournament import EMPTY, enter, is_empty, make_tournament, winner

SIMILARITIES = "CTSF"
"""Colour, texture, size and fill."""


def group(
    statistics: RegionStatistics, neighbours: np.ndarray, similarities: str
) -> tuple[np.ndarray, np.ndarray]:
    """The hierarchy that grows from N initial regions.

    Of equally similar pairs the one that comes first in ``neighbours`` merges; a merged region
    takes over the places of its parts' pairs.

    Args:
        statistics: of the N regions.
        neighbours: (P, 2) int32 pairs of them, no pair twice, connecting all.
        similarities: letters of ``SIMILARITIES``; the measures are summed.

    Returns:
        boxes: (M, 4) int32, the initial regions' in their order, then the merged ones' in the
            order of merging; the last is the whole image.
        parts: (N - 1, 2) int32, the two regions that became region N, N + 1 …
    """
    used = np.array([letter in similarities for letter in SIMILARITIES])
    n_merged = 2 * len(statistics.sizes) - 1
    regions = RegionStatistics(*(_with_room(column, n_merged) for column in statistics))
    # Histograms that no measure reads need no adding up.
    if not used[0]:
        regions = regions._replace(colour=regions.colour[:, :0])
    if not used[1]:
        regions = regions._replace(texture=regions.texture[:, :0])
    shares = np.empty_like(regions.colour), np.empty_like(regions.texture)
    parts = _merge_all(regions, *shares, neighbours.copy(), used)
    return regions.boxes, parts


def _with_room(column: np.ndarray, n_rows: int) -> np.ndarray:
    """A copy with room for the merged regions' rows."""
    grown = np.empty((n_rows, *column.shape[1:]), column.dtype)
    grown[: len(column)] = column
    return grown


@numba.njit(cache=True)
def _merge_all(
    regions: RegionStatistics,
    colour_shares: np.ndarray,
    texture_shares: np.ndarray,
    ends: np.ndarray,
    used: np.ndarray,
) -> np.ndarray:
    """Fill the rows of merged regions; returns their (N - 1, 2) parts.

    A pair of neighbours keeps its slot, a row of ``ends``, for life: when one of the two merges,
    the row is renamed. The two halves of pair p are numbered 2p and 2p + 1; a region's halves
    form a linked list.
    """
    n_regions = (len(regions.sizes) + 1) // 2
    n_pairs = len(ends)
    image_size = regions.sizes[:n_regions].sum()
    for region in range(n_regions):
        fixed_point_shares(regions.colour[region], colour_shares[region])
        fixed_point_shares(regions.texture[region], texture_shares[region])

    first_half = np.full(len(regions.sizes), -1)
    next_half = np.full(2 * n_pairs, -1)
    ranking = make_tournament(n_pairs)
    for half in range(2 * n_pairs):
        region = ends[half // 2, half % 2]
        next_half[half] = first_half[region]
        first_half[region] = half
    for pair in range(n_pairs):
        a, b = ends[pair]
        similarity = _similarity(regions, colour_shares, texture_shares, a, b, image_size, used)
        enter(ranking, pair, similarity)

    parts = np.empty((n_regions - 1, 2), np.int32)
    joined = np.full(len(regions.sizes), -1)
    for merged in range(n_regions, len(regions.sizes)):
        a, b = ends[winner(ranking)]
        parts[merged - n_regions] = a, b
        _add_up(regions, a, b, merged)
        fixed_point_shares(regions.colour[merged], colour_shares[merged])
        fixed_point_shares(regions.texture[merged], texture_shares[merged])
        for part in (a, b):
            following = first_half[part]
            while following >= 0:
                half, following = following, next_half[following]
                pair = half // 2
                other = ends[pair, 1 - half % 2]
                if is_empty(ranking, pair):
                    continue
                if other in (a, b) or joined[other] == merged:
                    # The pair that merges, or a second pair with the same neighbour.
                    enter(ranking, pair, EMPTY)
                    continue
                joined[other] = merged
                ends[pair, half % 2] = merged
                next_half[half] = first_half[merged]
                first_half[merged] = half
                similarity = _similarity(
                    regions, colour_shares, texture_shares, merged, other, image_size, used
                )
                enter(ranking, pair, similarity)
    return parts


@numba.njit(cache=True)
def _add_up(regions: RegionStatistics, a: int, b: int, merged: int) -> None:
    """Fill row ``merged`` with the statistics of a and b together."""
    regions.sizes[merged] = regions.sizes[a] + regions.sizes[b]
    regions.colour[merged] = regions.colour[a] + regions.colour[b]
    regions.texture[merged] = regions.texture[a] + regions.texture[b]
    for corner in range(2):
        regions.boxes[merged, corner] = min(regions.boxes[a, corner], regions.boxes[b, corner])
    for corner in range(2, 4):
        regions.boxes[merged, corner] = max(regions.boxes[a, corner], regions.boxes[b, corner])


@numba.njit(cache=True)
def _similarity(
    regions: RegionStatistics,
    colour_shares: np.ndarray,
    texture_shares: np.ndarray,
    a: int,
    b: int,
    image_size: int,
    used: np.ndarray,
) -> float:
    """The sum of the measures in ``used``, (4,) bool in the order of ``SIMILARITIES``."""
    total = 0.0
    if used[0]:
        total += histogram_intersection(colour_shares[a], colour_shares[b])
    if used[1]:
        total += histogram_intersection(texture_shares[a], texture_shares[b])
    if used[2]:
        total += size_similarity(regions.sizes[a], regions.sizes[b], image_size)
    if used[3]:
        total += fill_similarity(
            regions.sizes[a], regions.sizes[b], regions.boxes[a], regions.boxes[b], image_size
        )
    return total
