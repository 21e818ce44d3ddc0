import numpy as np
import pytest
import twins

from frcn.selective_search.texture import (
    AXES,
    DERIVATIVE_SIGMA,
    LARGEST_RESPONSE,
    LEVELS,
    along_x,
    along_y,
    fill_texture_levels,
    recursive_gaussian_kernel,
    recursively_smoothed,
)

SHAPES = [(9, 11, 3), (11, 9, 1), (1, 8, 3), (8, 1, 3), (1, 1, 1)]


def picture(shape: tuple[int, int, int]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)


@pytest.mark.parametrize("sigma", [0.8, 1.5])
def test_the_kernel_is_what_the_recursion_makes_of_an_impulse(sigma: float) -> None:
    radius = 6 if sigma == 0.8 else 15
    impulse = [0.0] * 60 + [1.0] + [0.0] * 60
    wanted = twins.recursive_gaussian(impulse, sigma)[60 - radius : 61 + radius]
    kernel = recursive_gaussian_kernel(sigma, radius)
    np.testing.assert_allclose(kernel, wanted, atol=1e-5)
    assert kernel.sum() == pytest.approx(1)


@pytest.mark.parametrize("shape", SHAPES)
def test_axis_derivatives_are_those_of_the_twin(shape: tuple[int, int, int]) -> None:
    image = picture(shape)
    for c in range(shape[2]):
        wanted = twins.sampled_derivatives(image[..., c], DERIVATIVE_SIGMA)
        for derivative, one in zip((along_x, along_y), wanted, strict=True):
            found = derivative(image, np.empty_like(image))
            np.testing.assert_allclose(found[..., c], one, atol=1e-3)


@pytest.mark.parametrize("shape", SHAPES)
def test_recursive_smoothing_is_that_of_the_twin(shape: tuple[int, int, int]) -> None:
    image = picture(shape)
    found = recursively_smoothed(image, np.empty_like(image))
    for c in range(shape[2]):
        wanted = twins.recursively_smoothed(image[..., c], DERIVATIVE_SIGMA)
        np.testing.assert_allclose(found[..., c], wanted, atol=5e-3)


@pytest.mark.parametrize("shape", SHAPES)
def test_levels_are_those_of_the_twin_s_responses(shape: tuple[int, int, int]) -> None:
    image = picture(shape)
    levels = np.empty((AXES, *shape), np.uint8)
    fill_texture_levels(image, levels)
    for c in range(shape[2]):
        horizontal, vertical = twins.sampled_derivatives(image[..., c], DERIVATIVE_SIGMA)
        falling, rising = twins.diagonal_derivatives(image[..., c], DERIVATIVE_SIGMA)
        for axis, response in enumerate((horizontal, falling, vertical, rising)):
            steps = np.abs(response) * LEVELS / LARGEST_RESPONSE
            # Where a response is near the border of two levels, float32 may fall to either side.
            clear = np.abs(steps - np.round(steps)) > 1e-3
            wanted = np.minimum(np.floor(steps), LEVELS - 1) + LEVELS * (response < 0)
            np.testing.assert_array_equal(levels[axis, ..., c][clear], wanted[clear])
