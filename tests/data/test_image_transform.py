"""Scaling, resizing and padding against hand-worked sizes and a slow bilinear loop."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from frcn.data.image_transform import normalise_and_resize, scale_factor, to_blob

MEAN, STD = (102.9801, 115.9465, 122.7717), (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("height", "width", "scale", "resized"),
    [
        (500, 406, 600 / 406, (739, 600)),
        (333, 500, 600 / 333, (600, 901)),
        (281, 500, 2.0, (562, 1000)),  # 600/281 would make 1068: the cap of 1000
        (595, 992, 600 / 595, (600, 1000)),  # 1000.3 rounds to the cap: not above it
        (491, 819, 1000 / 819, (600, 1000)),  # 1000.8 rounds to 1001: capped
    ],
)
def test_sizes(height, width, scale, resized):
    for size, expected in (((height, width), resized), ((width, height), resized[::-1])):
        assert scale_factor(*size, 600, 1000) == pytest.approx(scale, rel=1e-15)
        pixels = np.zeros((*size, 3), dtype=np.uint8)
        image = normalise_and_resize(pixels, scale_factor(*size, 600, 1000), MEAN, STD)
        assert image.shape == (*expected, 3)
        assert image.dtype == np.float32


sides = st.integers(1, 3000)


@given(sides, sides, st.integers(1, 1200), st.integers(1, 2000))
def test_one_side_meets_its_target(height, width, short_side, max_size):
    scale = scale_factor(height, width, short_side, max_size)
    short, long = sorted((height, width))
    assert round(scale * long) <= max_size
    if scale * short != pytest.approx(short_side):
        assert scale * long == pytest.approx(max_size)
        assert scale * short < short_side


def slow_bilinear(image: np.ndarray, size: tuple[int, int], scale: float) -> np.ndarray:
    """Pixel centres at half-integers, edges repeated, no antialiasing, in float64."""
    out = np.empty((*size, 3))
    limits = np.array(image.shape[:2]) - 1
    for y in range(size[0]):
        for x in range(size[1]):
            source = np.clip((np.array([y, x]) + 0.5) / scale - 0.5, 0, limits)
            top, left = np.floor(source).astype(int)
            bottom, right = np.minimum([top + 1, left + 1], limits)
            dy, dx = source - [top, left]
            above = image[top, left] * (1 - dx) + image[top, right] * dx
            below = image[bottom, left] * (1 - dx) + image[bottom, right] * dx
            out[y, x] = above * (1 - dy) + below * dy
    return out


@pytest.mark.parametrize("scale", [1.5, 2.0, 0.5])
def test_pixels_are_normalised_before_the_resize(scale):
    # Resizing the bytes first would round each pixel to a whole number.
    pixels = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    found = normalise_and_resize(pixels, scale, MEAN, STD)
    normalised = (pixels.astype(np.float64) - MEAN) / STD
    size = (int(8 * scale), int(12 * scale))
    np.testing.assert_allclose(found, slow_bilinear(normalised, size, scale), atol=1e-4)


@pytest.mark.parametrize(("shape", "scaled"), [((3, 9000), (1, 1000)), ((9000, 3), (1000, 1))])
def test_a_very_thin_picture_keeps_a_pixel(shape, scaled):
    scale = scale_factor(*shape, 600, 1000)
    image = np.full((*shape, 3), 7, dtype=np.uint8)
    found = normalise_and_resize(image, scale, (0, 0, 0), (1, 1, 1))
    assert found.shape[:2] == scaled
    assert (found == 7).all()


def test_blob_holds_images_top_left_and_pads_with_zeros():
    rng = np.random.default_rng(0)
    low, wide = rng.random((5, 3, 3)).astype(np.float32), rng.random((2, 7, 3)).astype(np.float32)
    blob = to_blob([low, wide])
    assert blob.shape == (2, 3, 5, 7)
    assert blob.dtype == torch.float32
    for index, image in enumerate((low, wide)):
        expected = np.zeros((3, 5, 7))
        for y, x, channel in np.ndindex(image.shape):
            expected[channel, y, x] = image[y, x, channel]
        np.testing.assert_array_equal(blob[index], expected)
