import numpy as np
import pytest
import twins

from frcn.selective_search.smoothing import gaussian_kernel, smooth


def test_kernel_is_a_gaussian_of_four_deviations() -> None:
    kernel = gaussian_kernel(0.8)
    assert kernel.shape == (9,)
    assert kernel.sum() == pytest.approx(1)
    assert kernel[4] / kernel[5] == pytest.approx(np.exp(0.5 / 0.64))


@pytest.mark.parametrize("shape", [(6, 5, 3), (5, 6, 1), (1, 1, 3), (1, 7, 1)])
def test_smooth_is_a_convolution_with_repeated_borders(shape: tuple[int, ...]) -> None:
    image = twins.blobs(2, *shape).astype(np.float32)
    kernel = gaussian_kernel(0.8)
    wanted = [twins.correlate(image[..., c], kernel, kernel) for c in range(shape[2])]
    np.testing.assert_allclose(smooth(image, 0.8), np.stack(wanted, axis=2), rtol=1e-4)


def test_sigma_0_changes_nothing() -> None:
    image = twins.blobs(3, 4, 5).astype(np.float32)
    np.testing.assert_array_equal(smooth(image, 0), image)
