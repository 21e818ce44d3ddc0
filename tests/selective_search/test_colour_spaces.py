import colorsys

import numpy as np
import pytest
import twins

from frcn.selective_search.colour_spaces import COLOUR_SPACES, OPPONENT

IMAGE = np.concatenate(
    [
        np.random.default_rng(0).integers(0, 256, (7, 6, 3), dtype=np.uint8),
        np.array([[[0, 0, 0], [255, 255, 255], [9, 9, 9], [255, 0, 0], [0, 255, 0], [0, 0, 255]]]),
    ]
).astype(np.uint8)


def lab_of(red: float, green: float, blue: float) -> list[float]:
    """CIE L*a*b* (D65) of an sRGB colour in 0 … 1."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)
    ]
    matrix = [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
    xyz = [sum(m * c for m, c in zip(row, linear, strict=True)) / sum(row) for row in matrix]
    f = [t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz]
    return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]


def expected(name: str, blue: int, green: int, red: int) -> list[float]:
    total = red + green + blue
    grey = 0.299 * red + 0.587 * green + 0.114 * blue
    hsv = [255 * c for c in colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)]
    lightness, a, b = lab_of(red / 255, green / 255, blue / 255)
    return {
        "rgb": [red, green, blue],
        "hsv": hsv,
        "hue": hsv[:1],
        "rgi": [255 * red / total, 255 * green / total, grey] if total else [85, 85, 0],
        "intensity": [grey],
        "opponent": [
            (red - green) / 2**0.5 + 128,
            (red + green - 2 * blue) / 6**0.5 + 128,
            total / 3**0.5,
        ],
        "lab": [2.55 * lightness, a + 128, b + 128],
    }[name]


@pytest.mark.parametrize("name", sorted(set(COLOUR_SPACES) - {"opponent"}))
def test_each_pixel_has_the_colour_of_its_definition(name: str) -> None:
    found = COLOUR_SPACES[name](IMAGE)
    wanted = [[expected(name, *map(int, pixel)) for pixel in row] for row in IMAGE]
    assert found.dtype == np.float32
    # Rounded to 8 bits, or OpenCV's approximation of the cube root.
    np.testing.assert_allclose(found, wanted, atol=0.501)


def test_opponents_span_the_picture_s_range() -> None:
    found = COLOUR_SPACES["opponent"](IMAGE)
    mixed = [[OPPONENT @ pixel[::-1].astype(float) for pixel in row] for row in IMAGE]
    for c in range(3):
        values = np.array(mixed)[..., c]
        wanted = 255 * (values - values.min()) / (values.max() - values.min())
        np.testing.assert_allclose(found[..., c], wanted, atol=0.501)
    assert (COLOUR_SPACES["opponent"](np.full((2, 3, 3), 9, np.uint8)) == 0).all()


@pytest.mark.parametrize("name", ["rgb", "hsv", "rgi", "hue", "opponent"])
def test_the_published_recipe_rounds_to_8_bits(name: str) -> None:
    found = COLOUR_SPACES[name](IMAGE)
    np.testing.assert_array_equal(found, np.round(found))


@pytest.mark.parametrize("name", COLOUR_SPACES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_tiny_pictures_keep_their_shape(name: str, shape: tuple[int, int]) -> None:
    found = COLOUR_SPACES[name](twins.blobs(1, *shape))
    assert found.shape[:2] == shape
    assert found.flags.c_contiguous
