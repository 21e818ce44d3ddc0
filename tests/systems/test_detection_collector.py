"""Collected detections against a slow loop over classes and images."""

import numpy as np
import pytest

from frcn.evaluation.result_files import COLUMNS
from frcn.systems.detection_collector import DetectionCollector

CLASSES = ("cat", "dog")


def collect(images, max_per_image, average_per_image):
    collector = DetectionCollector(CLASSES, len(images), max_per_image, average_per_image)
    for name, (scores, boxes) in images.items():
        collector.add(name, scores, boxes)
    return collector.table()


@pytest.mark.parametrize("seed", range(5))
def test_table_holds_the_best_of_each_class_and_image(seed):
    rng = np.random.default_rng(seed)
    counts = {"a": 7, "b": 0, "c": 9}
    images = {name: (rng.random((n, 3)), rng.random((n, 12))) for name, n in counts.items()}
    expected = []
    for label, of_class in enumerate(CLASSES, start=1):
        rows = []
        for name, (scores, boxes) in images.items():
            best = sorted(range(len(scores)), key=lambda i: -scores[i, label])[:4]
            rows += [(name, of_class, scores[i, label], *boxes[i, 4 * label :][:4]) for i in best]
        # The heap holds 2 × 3 scores in the end, and its minimum itself goes too.
        rows.sort(key=lambda row: -row[2])
        expected += rows[:5]
    found = collect(images, max_per_image=4, average_per_image=2)
    ours = sorted(found.itertuples(index=False, name=None))
    for row, wanted in zip(ours, sorted(expected), strict=True):
        assert row[:2] == wanted[:2]
        assert row[2:] == tuple(np.float32(wanted[2:]))


def test_columns_and_types_do_not_depend_on_whether_anything_was_found():
    empty = collect({}, max_per_image=4, average_per_image=2)
    nothing = collect({"a": (np.zeros((0, 3)), np.zeros((0, 12)))}, 4, 2)
    some = collect({"a": (np.ones((1, 3)), np.ones((1, 12)))}, 4, 2)
    assert tuple(some) == COLUMNS
    assert len(some) == 2
    for table in (empty, nothing):
        assert len(table) == 0
        assert table.dtypes.to_dict() == some.dtypes.to_dict()
    assert {some[column].dtype for column in COLUMNS[2:]} == {np.dtype("float32")}
