"""A detector against one RoI at a time, and its parts against slow loops."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from frcn import config
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.systems.fast_rcnn.detector import Detector, image_pyramid, project, unique_rois
from tiny_world import PREPROCESSING

CPU = torch.device("cpu")
coordinate = st.integers(0, 60)
some_boxes = st.lists(st.tuples(*[coordinate] * 4), min_size=1, max_size=20).map(
    lambda rows: np.array([[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in rows])
)


@given(some_boxes, st.lists(st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0]), min_size=1, max_size=4))
def test_projection_picks_the_level_of_the_nearest_area(boxes, scales):
    found = project(boxes, np.array(scales), 48)
    for roi, box in zip(found, boxes, strict=True):
        area = (box[2] - box[0] + 1) * (box[3] - box[1] + 1)
        distances = [abs(area * scale * scale - 48 * 48) for scale in scales]
        level = distances.index(min(distances))
        assert roi.tolist() == [level, *(box * scales[level])]


def test_a_tie_goes_to_the_first_level():
    # One pixel: areas 49 and 1 are both 24 from 5².
    box = np.array([[3, 4, 3, 4]])
    assert project(box, np.array([7.0, 1.0]), 5).tolist() == [[0, 21, 28, 21, 28]]
    assert project(box, np.array([1.0, 7.0]), 5).tolist() == [[0, 3, 4, 3, 4]]


# Multiples of 4 with stride 8: half of the quotients are ties for rounding.
rois = st.lists(st.tuples(st.integers(0, 1), *[st.integers(0, 6).map(lambda i: 4.0 * i)] * 4))


@given(rois.filter(len))
def test_unique_rois_against_a_dictionary(rois):
    first, inverse = unique_rois(np.array(rois, dtype=np.float64), 8)
    representatives: dict[tuple, int] = {}
    for index, (level, *corners) in enumerate(rois):
        key = (level, *(round(corner / 8) for corner in corners))  # Python rounds half to even
        representatives.setdefault(key, index)
        assert first[inverse[index]] == representatives[key]
    assert sorted(first) == sorted(representatives.values())


def test_rounding_is_half_to_even():
    rows = np.zeros((4, 5))
    rows[:, 1] = [4, 12, 20, 28]  # 0.5, 1.5, 2.5, 3.5 → 0, 2, 2, 4
    first, inverse = unique_rois(rows, 8)
    assert first[inverse].tolist() == [0, 1, 1, 3]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = FastRCNNNet("XS", 2)
    torch.nn.init.normal_(network.cls_score.weight, std=0.5)
    torch.nn.init.normal_(network.bbox_pred.weight, std=0.1)
    return network


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def proposals(count: int = 30) -> np.ndarray:
    rng = np.random.default_rng(1)
    x1y1 = rng.integers(0, 30, (count, 2))
    return np.hstack([x1y1, x1y1 + rng.integers(3, 18, (count, 2))]).astype(np.float32)


def settings(short_sides=(48,), max_size=400, **values) -> config.Test:
    scales = config.Scales(short_sides=list(short_sides), max_size=max_size)
    return config.Test(split="test", proposals=100, scales=scales, **values)


def slow_detect(network, image, boxes, factors):
    """Every RoI on its own through a network at test time; boxes decoded by the formula."""
    pyramid, _ = image_pyramid(image, settings([48 * f for f in factors]).scales, PREPROCESSING)
    all_scores, all_boxes = [], []
    for box in boxes.astype(np.float64):
        area = (box[2] - box[0] + 1) * (box[3] - box[1] + 1)
        level = int(np.argmin([abs(area * f * f - 48 * 48) for f in factors]))
        roi = torch.tensor([[level, *(box * factors[level])]], dtype=torch.float32)
        with torch.no_grad():
            scores, deltas = network.eval()(pyramid, roi)
        all_scores.append(scores[0].double().numpy())
        row = []
        for dx, dy, dw, dh in deltas[0].double().numpy().reshape(-1, 4):
            width, height = box[2] - box[0], box[3] - box[1]
            x, y = box[0] + width / 2 + dx * width, box[1] + height / 2 + dy * height
            half_width, half_height = np.exp(dw) * width / 2, np.exp(dh) * height / 2
            row += [max(x - half_width, 0), max(y - half_height, 0)]
            row += [min(x + half_width, 63), min(y + half_height, 47)]
        all_boxes.append(row)
    return np.array(all_scores), np.array(all_boxes)


@pytest.mark.parametrize("factors", [[1], [1, 2, 4]])
def test_against_one_roi_at_a_time(network, image, factors):
    boxes = proposals()
    rois = project(boxes, np.array(factors), 48)
    first, inverse = unique_rois(rois, 8)
    representatives = boxes[first[inverse]]
    assert (representatives != boxes).any() or factors != [1]
    raw, expected_boxes = slow_detect(network, image, representatives, factors)
    short_sides = [48 * factor for factor in factors]
    detector = Detector(network, PREPROCESSING, settings(short_sides), CPU)
    scores, found = detector.detect(image, boxes)
    softmax = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(scores, softmax, atol=1e-5)
    # Duplicates get the representative's regressed box, too.
    np.testing.assert_allclose(found, expected_boxes, atol=1e-3)

    svm = Detector(network, PREPROCESSING, settings(short_sides, scorer="svm"), CPU)
    np.testing.assert_allclose(svm.detect(image, boxes)[0], raw, atol=1e-4)


@pytest.mark.parametrize("bbox_reg", [True, False])
def test_without_regression_boxes_are_the_representatives(network, image, bbox_reg):
    # Off by config, or by a network that has no regressor.
    boxes = proposals()
    if bbox_reg:
        network = FastRCNNNet("XS", 2, bbox_reg=False)
    detector = Detector(network, PREPROCESSING, settings(bbox_reg=bbox_reg), CPU)
    _, found = detector.detect(image, boxes)
    first, inverse = unique_rois(project(boxes, np.ones(1), 48), 8)
    np.testing.assert_array_equal(found, np.tile(boxes[first[inverse]], 3))


def test_no_proposals(network, image):
    detector = Detector(network, PREPROCESSING, settings(), CPU)
    scores, boxes = detector.detect(image, np.zeros((0, 4), dtype=np.float32))
    assert scores.shape == (0, 3)
    assert boxes.shape == (0, 12)


def test_time_is_told_by_phase(network, image):
    detector = Detector(network, PREPROCESSING, settings(), CPU)
    detector.detect(image, proposals())
    phases = ["image", "conv", "roi_pool", "fc6", "fc7", "outputs", "decode"]
    assert list(detector.seconds) == phases
    once = dict(detector.seconds)
    detector.detect(image, proposals())
    assert all(detector.seconds[phase] > once[phase] > 0 for phase in phases)


def test_features_of_svms_are_fc7_without_dropout_or_duplicates(network, image):
    boxes = proposals()
    detector = Detector(network, PREPROCESSING, settings(scorer="svm"), CPU)
    features = detector.fc7_features(image, boxes)
    assert features.shape == (len(boxes), 256)
    raw, _ = slow_detect(network, image, boxes, [1])
    with torch.no_grad():
        scores = network.cls_score(features)
    np.testing.assert_allclose(scores, raw, atol=1e-4)
