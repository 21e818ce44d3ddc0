from itertools import pairwise

import numpy as np
import pytest
import twins

from frcn.selective_search.graph import (
    bucketed_edges,
    edge_pixels,
    key_weight,
    pixel_offsets,
    sort_bucket,
)
from frcn.selective_search.segmentation import segment
from frcn.selective_search.smoothing import smooth

SHAPES = [(12, 15, 3), (15, 12, 1), (1, 20, 3), (20, 1, 3), (2, 2, 1), (1, 1, 3)]


def picture(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    return smooth(twins.blobs(seed, *shape).astype(np.float32), 0.8)


def sorted_edges(image: np.ndarray) -> list[tuple[float, int, int]]:
    """(weight, pixel, pixel) of all edges, in the order of the sorted buckets."""
    edges = bucketed_edges(image)
    for bucket in np.split(edges.keys, edges.ends[:-1]):
        sort_bucket(bucket, np.empty_like(bucket))
    offsets = pixel_offsets(image.shape[1])
    return [
        (float(key_weight(key)), *map(int, edge_pixels(np.uint32(key & 0xFFFFFFFF), offsets)))
        for key in edges.keys
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_edges_are_those_of_the_twin(shape: tuple[int, int, int]) -> None:
    image = picture(shape)
    assert sorted_edges(image) == twins.edges(image)


def test_buckets_are_in_raster_order_and_one_heavier_than_the_other() -> None:
    edges = bucketed_edges(picture((40, 50, 3)))
    assert edges.ends[-1] == len(edges.keys) == 4 * 40 * 50 - 3 * 40 - 3 * 50 + 2
    buckets = [bucket for bucket in np.split(edges.keys, edges.ends[:-1]) if len(bucket)]
    assert len(buckets) > 20
    for bucket in buckets:
        assert (np.diff((bucket & 0xFFFFFFFF).astype(np.int64)) > 0).all()
    for lighter, heavier in pairwise(buckets):
        assert lighter.max() >> 32 < heavier.min() >> 32


def test_weights_that_differ_in_the_last_bit_are_told_apart() -> None:
    step = np.spacing(np.float32(100))
    image = np.float32([[[200], [100], [step], [0]]])  # steps of 100, just below 100, and ~0
    edges = sorted_edges(image * np.float32(1 / 3**0.5))
    weights, pixels, _ = zip(*edges, strict=True)
    assert pixels == (2, 1, 0)
    assert 0 < weights[0] < 1e-4
    assert weights[1] < weights[2]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("k", "min_size"), [(1, 1), (20, 5), (100, 30), (1e9, 1)])
def test_regions_and_neighbours_are_those_of_the_twin(
    shape: tuple[int, int, int], k: float, min_size: float
) -> None:
    for seed in range(3):
        image = picture(shape, seed)
        labels, neighbours = segment(bucketed_edges(image), *shape[:2], k, min_size)
        np.testing.assert_array_equal(labels, twins.segment(image, k, min_size))
        assert neighbours.tolist() == twins.neighbours(labels)
        assert min(np.bincount(labels.ravel())) >= min(min_size, labels.size)


def test_two_flat_halves_are_two_regions() -> None:
    image = np.zeros((10, 10, 3), np.float32)
    image[:, 6:] = 200
    labels, neighbours = segment(bucketed_edges(image), 10, 10, 100, 1)
    assert (labels[:, :6] == 0).all()
    assert (labels[:, 6:] == 1).all()
    assert neighbours.tolist() == [[0, 1]]
