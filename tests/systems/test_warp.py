"""Warped regions against hand-worked numbers (FACTS §2.2) and a copy of the pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcn.systems.rcnn.warp import context_of, warp_regions, windows_of

ZERO, ONE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def test_the_worked_example():
    """500×375, 1-based box 1 1 100 50, 227: 1 1 109 55 goes to 211×212 at offset 16, 15."""
    box = np.array([[0, 0, 99, 49]])
    window = windows_of(box, (375, 500), 227)[0]
    assert window.tolist() == [0, 0, 108, 54, 16, 15, 211, 212]


def test_a_box_inside_fills_the_square():
    # Side 192 grows by 224/192 to 224 pixels, which are shown as they are.
    box = np.array([[104, 54, 295, 245]])
    assert windows_of(box, (400, 500), 224)[0].tolist() == [88, 38, 312, 262, 0, 0, 224, 224]


@pytest.mark.parametrize(("size", "context"), [(224, 16), (227, 16), (48, 3)])
def test_context_is_in_proportion_to_small_squares(size, context):
    assert context_of(size) == context


def test_outside_is_the_mean_and_inside_normalised():
    image = np.full((30, 40, 3), 200, dtype=np.uint8)
    warped = warp_regions(image, np.array([[0, 0, 9, 9]]), 48, (100.0, 90.0, 80.0), (2.0, 4.0, 5.0))
    assert warped.shape == (1, 48, 48, 3)
    assert (warped[0, 0] == 0).all()
    assert (warped[0, :, 0] == 0).all()
    np.testing.assert_allclose(warped[0, 24, 24], [50, 27.5, 24], rtol=1e-6)


@given(
    st.tuples(*[st.integers(0, 60)] * 4),
    st.integers(1, 64),
    st.integers(1, 64),
    st.sampled_from([48, 224, 227]),
)
def test_windows_stay_inside_picture_and_square(corners, height, width, size):
    x1, x2 = sorted(min(c, width - 1) for c in corners[:2])
    y1, y2 = sorted(min(c, height - 1) for c in corners[2:])
    window = windows_of(np.array([[x1, y1, x2, y2]]), (height, width), size)[0]
    assert (window[:2] >= 0).all()
    assert (window[:2] <= window[2:4]).all()
    assert window[2] < width
    assert window[3] < height
    assert (window[6:] >= 1).all()
    assert (window[4:6] + window[6:] <= size).all()
    image = np.zeros((height, width, 3), dtype=np.uint8)
    assert warp_regions(image, np.array([[x1, y1, x2, y2]]), size, ZERO, ONE).any() == False  # noqa: E712
