import numpy as np
import pytest
import twins

from frcn.selective_search.graph import edge_pixels, pixel_offsets, sorted_edges
from frcn.selective_search.segmentation import segment
from frcn.selective_search.smoothing import smooth

SHAPES = [(12, 15, 3), (15, 12, 1), (1, 20, 3), (20, 1, 3), (2, 2, 1), (1, 1, 3)]


def picture(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    return smooth(twins.blobs(seed, *shape).astype(np.float32), 0.8)


@pytest.mark.parametrize("shape", SHAPES)
def test_edges_are_those_of_the_twin(shape: tuple[int, int, int]) -> None:
    image = picture(shape)
    edges = sorted_edges(image)
    offsets = pixel_offsets(shape[1])
    found = [
        (float(weight), *map(int, edge_pixels(edge, offsets)))
        for weight, edge in zip(edges.weights, edges.ids, strict=True)
    ]
    assert found == twins.edges(image)


def test_weights_that_differ_in_the_last_bit_are_told_apart() -> None:
    step = np.spacing(np.float32(100))
    image = np.float32([[[200], [100], [step], [0]]])  # steps of 100, just below 100, and ~0
    edges = sorted_edges(image * np.float32(1 / 3**0.5))
    assert [int(edge_pixels(edge, pixel_offsets(4))[0]) for edge in edges.ids] == [2, 1, 0]
    assert 0 < edges.weights[0] < 1e-4
    assert edges.weights[1] < edges.weights[2]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("k", "min_size"), [(1, 1), (20, 5), (100, 30), (1e9, 1)])
def test_regions_and_neighbours_are_those_of_the_twin(
    shape: tuple[int, int, int], k: float, min_size: float
) -> None:
    for seed in range(3):
        image = picture(shape, seed)
        labels, neighbours = segment(sorted_edges(image), *shape[:2], k, min_size)
        np.testing.assert_array_equal(labels, twins.segment(image, k, min_size))
        assert neighbours.tolist() == twins.neighbours(labels)
        assert min(np.bincount(labels.ravel())) >= min(min_size, labels.size)


def test_two_flat_halves_are_two_regions() -> None:
    image = np.zeros((10, 10, 3), np.float32)
    image[:, 6:] = 200
    labels, neighbours = segment(sorted_edges(image), 10, 10, 100, 1)
    assert (labels[:, :6] == 0).all()
    assert (labels[:, 6:] == 1).all()
    assert neighbours.tolist() == [[0, 1]]
