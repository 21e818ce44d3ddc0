"""Box arithmetic against hand-worked cases and a slow twin."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from frcn import boxes as box_ops

coordinate = st.integers(0, 60)


@st.composite
def box_arrays(draw, max_boxes=8):
    count = draw(st.integers(1, max_boxes))
    corners = draw(arrays(np.int64, (count, 4), elements=coordinate))
    return np.concatenate(
        [np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:])], 1
    )


def slow_iou(a, b):
    pixels_a = {(x, y) for x in range(a[0], a[2] + 1) for y in range(a[1], a[3] + 1)}
    pixels_b = {(x, y) for x in range(b[0], b[2] + 1) for y in range(b[1], b[3] + 1)}
    return len(pixels_a & pixels_b) / len(pixels_a | pixels_b)


@given(box_arrays(3), box_arrays(3))
def test_iou_counts_shared_pixels(boxes, others):
    expected = [[slow_iou(a, b) for b in others] for a in boxes]
    np.testing.assert_allclose(box_ops.iou(boxes, others), expected, rtol=1e-12)


def test_a_box_of_one_pixel_has_area_one():
    assert box_ops.areas(np.array([[7, 3, 7, 3]])) == [1]


@given(box_arrays(), box_arrays())
def test_decode_inverts_encode(boxes, targets):
    count = min(len(boxes), len(targets))
    # Width x2 - x1 is zero for a one-pixel box; the original never encodes those.
    boxes = boxes[:count] + np.array([0, 0, 1, 1])
    targets = targets[:count] + np.array([0, 0, 1, 1])
    decoded = box_ops.decode(boxes, box_ops.encode(boxes, targets))
    np.testing.assert_allclose(decoded, targets, atol=1e-6)


def test_encode_uses_widths_without_plus_one():
    # Width 10 → 20, height 10 → 10; centres (5, 5) → (20, 5).
    deltas = box_ops.encode(np.array([[0, 0, 10, 10]]), np.array([[10, 0, 30, 10]]))
    np.testing.assert_allclose(deltas, [[1.5, 0, np.log(2), 0]], atol=1e-9)


def test_decode_is_class_major():
    deltas = np.array([[0, 0, 0, 0, 0.5, 0, 0, 0]])
    decoded = box_ops.decode(np.array([[0, 0, 10, 20]]), deltas)
    np.testing.assert_allclose(decoded, [[0, 0, 10, 20, 5, 0, 15, 20]], atol=1e-9)


def test_clip_is_one_sided_as_in_the_original():
    clipped = box_ops.clip(np.array([[-3, -4, 500, 600], [700, 2, 800, 3]]), 100, 200)
    np.testing.assert_array_equal(clipped, [[0, 0, 199, 99], [700, 2, 199, 3]])


@given(box_arrays())
def test_flipping_twice_changes_nothing(boxes):
    np.testing.assert_array_equal(box_ops.flip(box_ops.flip(boxes, 61), 61), boxes)


def test_no_boxes():
    empty = np.zeros((0, 4))
    assert box_ops.iou(empty, np.array([[0, 0, 1, 1]])).shape == (0, 1)


def test_both_sides_count_for_the_smallest_side():
    corners = np.array([[0, 0, 19, 19], [0, 0, 18, 19], [0, 0, 19, 18]])
    assert box_ops.sides_at_least(corners, 20).tolist() == [True, False, False]
