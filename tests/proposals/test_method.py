"""The methods that configs ask for: their contract, and what the settings do."""

from dataclasses import replace

import numpy as np
import pytest
from pictures import picture

from frcn import config
from frcn.proposals import selective_search
from frcn.proposals.interleave import interleave
from frcn.proposals.method import make_method, picture_seed, searched_at_width
from frcn.selective_search import PRESETS

SELECTIVE_SEARCH = config.SelectiveSearch(
    name="fast", method="selective_search", preset="fast", k=[30], min_side=6
)
EDGE_BOXES = config.EdgeBoxes(name="edges", method="edge_boxes", max_boxes=40)
BOTH = config.Interleaved(name="both", method="interleaved", parts=[SELECTIVE_SEARCH, EDGE_BOXES])


@pytest.mark.parametrize("max_width", [None, 80])
@pytest.mark.parametrize("settings", [SELECTIVE_SEARCH, EDGE_BOXES, BOTH])
def test_boxes_are_distinct_and_inside(settings, max_width):
    method = make_method(settings.model_copy(update={"max_width": max_width}))
    boxes = method(picture())
    assert boxes.dtype == np.int16
    assert boxes.shape[1] == 4 and len(boxes) > 3
    assert len(np.unique(boxes, axis=0)) == len(boxes)
    assert (boxes[:, :2] >= 0).all() and (boxes[:, :2] <= boxes[:, 2:]).all()
    assert (boxes[:, 2:] <= [119, 89]).all()
    np.testing.assert_array_equal(method(picture()), boxes)


def test_selective_search_is_the_engines():
    image = picture()
    preset = replace(PRESETS["fast"], k=(30,), min_side=6)
    expected = selective_search(image, preset, picture_seed(image, 0))
    np.testing.assert_array_equal(make_method(SELECTIVE_SEARCH)(image), expected)


def test_the_seed_changes_the_order_only():
    boxes = make_method(SELECTIVE_SEARCH)(picture())
    other = make_method(SELECTIVE_SEARCH.model_copy(update={"seed": 1}))(picture())
    assert other.tolist() != boxes.tolist()
    assert sorted(other.tolist()) == sorted(boxes.tolist())


def test_interleaved_lists_take_turns():
    parts = [make_method(part)(picture()) for part in BOTH.parts]
    np.testing.assert_array_equal(make_method(BOTH)(picture()), interleave(parts))


def test_the_first_boxes_are_kept():
    everything = make_method(SELECTIVE_SEARCH)(picture())
    few = make_method(SELECTIVE_SEARCH.model_copy(update={"max_boxes": 5}))(picture())
    np.testing.assert_array_equal(few, everything[:5])


def test_boxes_found_in_a_smaller_picture_are_scaled_back():
    seen = []

    def search(image):
        seen.append(image.shape)
        return np.array([[-4, -1, 44, 29], [10, 5, 19, 14], [10, 5, 19, 14]])

    boxes = searched_at_width(np.zeros((90, 120, 3), np.uint8), 40, search)
    assert seen == [(30, 40, 3)]
    # Pixels 10 … 19 of a third of the width are pixels 30 … 59.
    assert boxes.tolist() == [[0, 0, 119, 89], [30, 15, 59, 44]]


def test_a_very_thin_picture_is_searched_at_a_pixel():
    boxes = searched_at_width(
        np.zeros((3, 9000, 3), np.uint8), 500, lambda image: np.array([[0, 0, 499, 0]])
    )
    assert boxes.tolist() == [[0, 0, 8999, 2]]


def test_structured_forests_and_their_model_belong_together():
    with pytest.raises(ValueError, match="needs `model`"):
        config.EdgeBoxes(name="e", method="edge_boxes", edges="structured_forests")
