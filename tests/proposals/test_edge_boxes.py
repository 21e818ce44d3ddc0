"""EdgeBoxes and its edge maps: against slow twins and hand-worked cases, on hard pictures too."""

import cv2
import numpy as np
import pictures
import pytest

from frcn.boxes import areas, iou
from frcn.errors import UserError
from frcn.proposals import edge_boxes as module
from frcn.proposals.edge_boxes import edge_boxes
from frcn.proposals.edge_maps import (
    EdgeMap,
    _boundaries,
    _orientation,
    _structure_tensor,
    boundary_edges,
    gradient_edges,
    thin,
)

RECTANGLE = [40, 30, 109, 79]
"""``x1 y1 x2 y2`` of the bright thing in ``picture``."""
MAPS = {"gradient": gradient_edges, "boundaries": boundary_edges}
EVERY_KIND = pytest.mark.parametrize("edges", sorted(MAPS))


def picture(seed=0, size=(120, 160)):
    """Faint clutter with one bright rectangle."""
    return pictures.picture(seed, size, RECTANGLE, greys=(60, 80))


def noise(size=(120, 160)):
    return np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)


def search(image, edges="gradient", max_boxes=500, min_area=200):
    return edge_boxes(image, edges, None, max_boxes, min_area)


def slow_thin(strength, orientation):
    """Pixel by pixel; beyond the border the border is repeated."""
    height, width = strength.shape

    def at(y, x):
        y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
        top, left = int(y), int(x)
        bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
        upper = strength[top, left] * (1 - x + left) + strength[top, right] * (x - left)
        lower = strength[bottom, left] * (1 - x + left) + strength[bottom, right] * (x - left)
        return upper * (1 - y + top) + lower * (y - top)

    out = np.zeros_like(strength)
    for y in range(height):
        for x in range(width):
            dy, dx = np.sin(orientation[y, x]), np.cos(orientation[y, x])
            if strength[y, x] >= max(at(y + dy, x + dx), at(y - dy, x - dx)):
                out[y, x] = strength[y, x]
    return out


@pytest.mark.parametrize("size", [(12, 17), (1, 9), (9, 1), (1, 1)])
def test_thinning_equals_the_slow_twin(size):
    rng = np.random.default_rng(1)
    strength = rng.random(size, dtype=np.float32)
    orientation = np.float32(np.pi) * rng.random(size, dtype=np.float32)
    thinned = thin(strength, orientation)
    assert thinned.dtype == np.float32
    np.testing.assert_array_equal(thinned, slow_thin(strength, orientation))


def test_thinning_keeps_a_ridge_and_nothing_beside_it():
    ridge = np.tile(np.float32([0, 0.2, 0.9, 0.5, 0]), (4, 1))
    kept = np.tile(np.float32([0, 0, 0.9, 0, 0]), (4, 1))
    upright, level = np.zeros_like(ridge), np.full_like(ridge.T, np.pi / 2)
    np.testing.assert_array_equal(thin(ridge, upright), kept)
    np.testing.assert_array_equal(thin(ridge.T, level), kept.T)


def test_thinning_keeps_both_of_equals():
    # The edge between two pixels is as strong on either.
    ridge = np.float32([[0, 0.7, 0.7, 0]])
    np.testing.assert_array_equal(thin(ridge, np.zeros_like(ridge)), ridge)


def test_the_structure_tensor_of_ramps():
    # One channel grows by 2 a pixel along x, another by 3 along y.
    y, x = np.indices((6, 7), dtype=np.float32)
    inner = _structure_tensor(np.stack([2 * x, 3 * y], axis=2))[1:-1, 1:-1]
    np.testing.assert_allclose(inner, np.broadcast_to([4, 0, 9], inner.shape), atol=1e-4)
    # One channel does both.
    inner = _structure_tensor((2 * x + 3 * y)[..., None])[1:-1, 1:-1]
    np.testing.assert_allclose(inner, np.broadcast_to([4, 6, 9], inner.shape), atol=1e-4)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 120, 179])
def test_orientation_is_across_the_edge(degrees):
    angle = np.deg2rad(degrees)
    y, x = np.indices((5, 5), dtype=np.float32)
    ramp = np.cos(angle) * x + np.sin(angle) * y
    for image in (ramp, -ramp):
        found = _orientation(_structure_tensor(image[..., None].astype(np.float32)))[2, 2]
        # Just below π is just above 0.
        assert abs(np.sin(found - angle)) < 1e-4


def test_boundaries_are_pixels_beside_another_label():
    labels = np.random.default_rng(2).integers(0, 3, (7, 9))
    padded = np.pad(labels, 1, mode="edge")
    for y in range(7):
        for x in range(9):
            beside = {
                padded[y, x + 1],
                padded[y + 2, x + 1],
                padded[y + 1, x],
                padded[y + 1, x + 2],
            }
            assert _boundaries(labels)[y, x] == (beside != {labels[y, x]})


@EVERY_KIND
def test_the_map_of_a_rectangle_is_its_outline(edges):
    strength, orientation = MAPS[edges](picture())
    for part in (strength, orientation):
        assert part.shape == (120, 160) and part.dtype == np.float32
    assert strength.min() >= 0 and strength.max() <= 1
    assert orientation.min() >= 0 and orientation.max() <= np.float32(np.pi)
    left, top = strength[55, 35:45], strength[25:35, 75]
    for side in (left, top):
        # The edge is between 39 and 40, and 29 and 30: the fifth and sixth of ten.
        assert set(np.flatnonzero(side > 0.5)) <= {4, 5} and side.max() > 0.5
    assert abs(np.sin(orientation[55, 40])) < 0.05
    assert abs(np.cos(orientation[30, 75])) < 0.05


def two_halves(step):
    """Grey, and greyer by ``step`` levels from column 30 on."""
    image = np.full((60, 60, 3), 100, dtype=np.uint8)
    image[:, 30:] += step
    return image


def test_a_faint_gradient_is_weak():
    """The noise floor does that: else their surroundings would make all lone edges alike."""
    assert gradient_edges(two_halves(100)).strength.max() > 0.5
    assert 0 < gradient_edges(two_halves(3)).strength.max() < 0.1


def test_a_faint_boundary_of_flat_regions_is_strong():
    """Every segmentation has it, which is half of the strength."""
    strength = boundary_edges(two_halves(3)).strength
    assert 0.3 < strength[30, 28:32].max() < 0.6


@EVERY_KIND
def test_the_rectangle_is_among_the_first(edges):
    boxes = search(picture(), edges)
    assert iou(boxes[:3], np.array([RECTANGLE])).max() > 0.8


def assert_inside(boxes, size):
    assert boxes.dtype == np.int64 and boxes.shape[1:] == (4,)
    assert (boxes[:, :2] >= 0).all() and (boxes[:, :2] <= boxes[:, 2:]).all()
    assert (boxes[:, 2:] < size[::-1]).all()


@EVERY_KIND
@pytest.mark.parametrize("size", [(120, 160), (160, 90), (23, 31)])
def test_boxes_are_inside_the_picture(edges, size):
    boxes = search(noise(size), edges, min_area=1)
    assert_inside(boxes, size)
    assert len(boxes) > 20
    assert (boxes.min(axis=0)[:2] == 0).all()
    assert (boxes.max(axis=0)[2:] + 1 == size[::-1]).all()


@EVERY_KIND
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 7), (5, 5), (9, 6)])
def test_the_smallest_pictures_do_no_harm(edges, size):
    assert_inside(search(noise(size), edges, min_area=1), size)


def test_corners_are_counted_from_0_and_inclusive(monkeypatch):
    # Windows of 1000 px² and more fit such a picture but once, and wholly.
    everywhere = EdgeMap(np.ones((30, 40), np.float32), np.zeros((30, 40), np.float32))
    monkeypatch.setattr(module, "_edge_map", lambda *_: everywhere)
    assert search(noise((30, 40)), min_area=1000).tolist() == [[0, 0, 39, 29]]


@EVERY_KIND
def test_boxes_depend_on_the_picture_alone(edges):
    alone = search(picture(), edges)
    threads = cv2.getNumThreads()
    try:
        for number in (1, 4):
            cv2.setNumThreads(number)
            search(picture(7, size=(90, 200)), edges)
            np.testing.assert_array_equal(search(picture(), edges), alone)
    finally:
        cv2.setNumThreads(threads)
    assert len(alone) > 20


def test_fewer_boxes_are_the_first():
    everything = search(noise(), max_boxes=500)
    assert len(everything) == 500
    np.testing.assert_array_equal(search(noise(), max_boxes=50), everything[:50])


def test_small_boxes_are_left_out():
    assert areas(search(noise(), min_area=100)).min() < 300
    assert areas(search(noise(), min_area=2000)).min() > 1000


@EVERY_KIND
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 2), (60, 80)])
def test_flat_pictures_have_no_box(edges, size):
    boxes = search(np.full((*size, 3), 128, dtype=np.uint8), edges, min_area=1)
    assert boxes.shape == (0, 4) and boxes.dtype == np.int64


@EVERY_KIND
def test_noise_leaves_few_edges(edges):
    """Time goes with the share of pixels that are edges, here above EdgeBoxes' threshold."""
    strength, _ = MAPS[edges](noise())
    assert (strength > 0.1).mean() < 0.25


MODELS = {
    "missing": None,
    "empty": "",
    "text": "no model\n",
    "other YAML": "%YAML:1.0\n---\na: 1\n",
    # OpenCV alone would divide by zero, and the process would end.
    "no trees": "%YAML:1.0\n---\noptions:\n   numberOfTrees: 0\n",
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_file_that_is_no_model_is_refused(tmp_path, kind):
    path = tmp_path / "model.yml"
    if MODELS[kind] is not None:
        path.write_text(MODELS[kind])
    with pytest.raises(
        UserError, match=r"model\.yml: .*wanted a Structured Forests .*opencv_extra"
    ):
        edge_boxes(picture(), "structured_forests", str(path), 10, 1000)
