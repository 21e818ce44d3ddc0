"""RoIs, labels, targets and their statistics against loops over plain numbers."""

from types import SimpleNamespace

import numpy as np
import pytest

from frcn.data.voc import Annotation
from frcn.errors import UserError
from frcn.learning.roidb import build_roidb, roi_image, target_statistics
from tiny_world import open_source, write_world


def dataset_of(*objects: list[tuple[list[float], int]]) -> SimpleNamespace:
    """A stand-in for a data set: per image, (box, label) pairs."""

    class Stub(SimpleNamespace):
        def __len__(self):
            return len(objects)

        def annotation(self, i):
            boxes = np.array([box for box, _ in objects[i]], dtype=np.float32).reshape(-1, 4)
            labels = np.array([label for _, label in objects[i]], dtype=np.int64)
            nothing = np.zeros(len(labels), dtype=bool)
            return Annotation(boxes, labels, nothing, nothing)

    return Stub()


def slow_iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    both = max(width, 0) * max(height, 0)
    area_a, area_b = ((c[2] - c[0] + 1) * (c[3] - c[1] + 1) for c in (a, b))
    return both / (area_a + area_b - both)


def slow_target(roi, box):
    width, height = roi[2] - roi[0], roi[3] - roi[1]
    return [
        ((box[0] + box[2]) - (roi[0] + roi[2])) / 2 / width,
        ((box[1] + box[3]) - (roi[1] + roi[3])) / 2 / height,
        np.log((box[2] - box[0]) / width),
        np.log((box[3] - box[1]) / height),
    ]


@pytest.fixture
def source(tmp_path):
    write_world(tmp_path, {"train": 5})
    return open_source(tmp_path, "train")


def test_roidb_equals_a_slow_loop(source):
    dataset, store = source
    roidb = build_roidb([source], 25, 0.5)
    assert [entry.index for entry in roidb] == list(range(5))
    for entry in roidb:
        objects = dataset.annotation(entry.index)
        rois = [*objects.boxes, *store.boxes(entry.index, 25)]
        np.testing.assert_array_equal(entry.rois, rois)
        assert (entry.overlaps[: len(objects.boxes)] == 1).all()
        assert (entry.targets[: len(objects.boxes)] == 0).all()
        for i, roi in enumerate(np.array(rois, dtype=np.float64)):
            ious = [slow_iou(roi, box) for box in objects.boxes.astype(np.float64)]
            best = int(np.argmax(ious))
            assert entry.overlaps[i] == pytest.approx(ious[best], rel=1e-6)
            assert entry.labels[i] == (objects.labels[best] if ious[best] > 0 else 0)
            assert entry.is_target[i] == (ious[best] >= 0.5)
            expected = slow_target(roi, objects.boxes[best]) if ious[best] >= 0.5 else [0] * 4
            np.testing.assert_allclose(entry.targets[i], expected, rtol=1e-5, atol=1e-6)


def test_only_the_single_best_object_counts():
    # The RoI overlaps object 1 by 60/100 and object 2, of another class, by 50/100.
    dataset = dataset_of([([0, 0, 9, 5], 1), ([0, 5, 9, 9], 2)])
    entry = roi_image(dataset, 0, np.array([[0, 0, 9, 9]], dtype=np.float32), 0.5)
    assert entry.overlaps[2] == pytest.approx(0.6)
    assert entry.labels.tolist() == [1, 2, 1]


def test_threshold_is_inclusive_and_ties_go_to_the_first_object():
    dataset = dataset_of([([0, 0, 9, 4], 2), ([0, 5, 9, 9], 1)])
    entry = roi_image(dataset, 0, np.array([[0, 0, 9, 9]], dtype=np.float32), 0.5)
    assert entry.is_target.all()
    assert entry.labels.tolist() == [2, 1, 2]


def test_objects_in_the_same_place_keep_their_classes():
    dataset = dataset_of([([0, 0, 9, 9], 2), ([0, 0, 9, 9], 1)])
    entry = roi_image(dataset, 0, np.array([[0, 0, 9, 9]], dtype=np.float32), 0.5)
    assert entry.labels.tolist() == [2, 1, 2]
    assert (entry.targets == 0).all()


def test_images_that_give_no_roi_are_left_out():
    empty = SimpleNamespace(boxes=lambda i, count: np.zeros((0, 4), dtype=np.float32))
    dataset = dataset_of([], [([0, 0, 9, 9], 1)], [])
    assert [entry.index for entry in build_roidb([(dataset, empty)], 5, 0.5)] == [1]
    with pytest.raises(UserError, match=r"train\.splits"):
        build_roidb([(dataset_of([]), empty)], 5, 0.5)


@pytest.mark.parametrize("flip", [False, True])
def test_statistics_equal_those_of_really_flipped_images(source, flip):
    dataset, _ = source
    roidb = build_roidb([source], 40, 0.5)
    per_class = {1: [], 2: [], 3: []}
    for entry in roidb:
        width = dataset.size(entry.index)[1]
        objects = dataset.annotation(entry.index)
        for mirrored in (False, True) if flip else (False,):
            for roi in entry.rois:
                best = int(np.argmax([slow_iou(roi, box) for box in objects.boxes]))
                if slow_iou(roi, objects.boxes[best]) < 0.5:
                    continue
                pair = [np.float64(roi), np.float64(objects.boxes[best])]
                if mirrored:
                    pair = [[width - 1 - b[2], b[1], width - 1 - b[0], b[3]] for b in pair]
                per_class[objects.labels[best]].append(slow_target(*pair))
    found = target_statistics(roidb, 3, flip)
    assert found.mean.shape == found.std.shape == (4, 4)
    for label in (1, 2):
        rows = np.array(per_class[label])
        mean = rows.sum(axis=0) / len(rows)
        variance = (rows**2).sum(axis=0) / len(rows) - mean**2
        np.testing.assert_allclose(found.mean[label], mean, atol=1e-6)
        np.testing.assert_allclose(found.std[label], np.sqrt(variance), atol=1e-6)
    # The background, and a class without any object.
    assert (found.mean[[0, 3]] == 0).all()
    assert (found.std[[0, 3]] == 0).all()
