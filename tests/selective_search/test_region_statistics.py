import numpy as np
import pytest
import twins

from frcn.selective_search.region_statistics import pixel_bins, region_statistics
from frcn.selective_search.texture import DERIVATIVE_SIGMA, LARGEST_RESPONSE


def slow_texture(channel: np.ndarray, labels: np.ndarray, n_regions: int) -> np.ndarray:
    """(N, 8, 10) counts: eight one-sided responses, each pixel at one level of each."""
    along_x, along_y = twins.sampled_derivatives(channel, DERIVATIVE_SIGMA)
    falling, rising = twins.diagonal_derivatives(channel, DERIVATIVE_SIGMA)
    axes = (along_x, falling, along_y, rising)
    counts = np.zeros((n_regions, 8, 10), np.int64)
    for (y, x_), region in np.ndenumerate(labels):
        for orientation in range(8):
            sign = 1 if orientation < 4 else -1
            response = sign * axes[orientation % 4][y, x_]
            level = int(10 * max(response, 0) / LARGEST_RESPONSE)
            counts[region, orientation, min(level, 9)] += 1
    return counts


@pytest.mark.parametrize("shape", [(9, 11, 3), (11, 9, 1), (1, 8, 3), (1, 1, 1)])
def test_statistics_are_those_of_the_twin(shape: tuple[int, int, int]) -> None:
    image = twins.blobs(4, *shape).astype(np.float32)
    labels = np.minimum(np.arange(shape[0] * shape[1]) // 7 % 5, 3).astype(np.int32)
    labels = labels.reshape(shape[:2])
    n_regions = labels.max() + 1
    found = region_statistics(labels, pixel_bins(image))

    np.testing.assert_array_equal(found.sizes, np.bincount(labels.ravel()))
    for region in range(n_regions):
        rows, columns = np.nonzero(labels == region)
        box = [columns.min(), rows.min(), columns.max(), rows.max()]
        assert found.boxes[region].tolist() == box
        for c in range(shape[2]):
            values = image[labels == region][:, c]
            wanted = np.bincount(np.minimum(values * 25 / 255, 24).astype(int), minlength=25)
            np.testing.assert_array_equal(found.colour[region, 25 * c : 25 * c + 25], wanted)

    texture = found.texture.reshape(n_regions, shape[2], 4, 2, 10)
    for c in range(shape[2]):
        # Ours pairs each of four axes with its opposite: 0°, 180°, 45°, 225° …
        ours = texture[:, c].transpose(0, 2, 1, 3).reshape(n_regions, 8, 10)
        difference = np.abs(ours - slow_texture(image[..., c], labels, n_regions))
        assert difference.sum() <= 2


def test_every_histogram_counts_every_pixel() -> None:
    image = twins.blobs(5, 20, 20).astype(np.float32)
    labels = np.repeat(np.arange(4, dtype=np.int32), 100).reshape(20, 20)
    found = region_statistics(labels, pixel_bins(image))
    assert (found.colour.reshape(4, 3, 25).sum(axis=2) == 100).all()
    assert (found.texture.reshape(4, 24, 10).sum(axis=2) == 100).all()


def test_values_outside_the_range_fall_into_the_outer_bins() -> None:
    image = np.float32([[[-3.0, 300.0, 255.0]]])
    assert pixel_bins(image)[0, 0, 0].tolist() == [0, 24, 24]
