"""NMS stays within a class of an image, and keeps the order of the rows."""

import numpy as np
import pandas as pd

from frcn.evaluation.nms_detections import nms_detections
from frcn.nms import nms

BOX, NEAR, FAR = (0, 0, 9, 9), (0, 0, 9, 8), (50, 50, 59, 59)


def test_only_the_same_class_in_the_same_image_suppresses(make_detections):
    detections = make_detections(
        ("a", "cat", 0.5, NEAR),
        ("a", "cat", 0.9, BOX),
        ("a", "dog", 0.5, NEAR),
        ("b", "cat", 0.4, NEAR),
        ("a", "cat", 0.1, FAR),
    )
    kept = nms_detections(detections, 0.3)
    pd.testing.assert_frame_equal(kept, detections.drop(index=0).reset_index(drop=True))


def test_no_detections(make_detections):
    assert len(nms_detections(make_detections(), 0.3)) == 0


def test_agrees_with_one_nms_per_class_and_image(make_detections):
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 40, (400, 2))
    boxes = np.hstack([corners, corners + rng.integers(1, 40, (400, 2))])
    detections = make_detections(
        *((rng.choice(["a", "b", "c"]), rng.choice(["cat", "dog"]), rng.random(), b) for b in boxes)
    )
    expected = []
    for _, rows in detections.groupby(["image_id", "class"]):
        kept = nms(rows[["x1", "y1", "x2", "y2"]].to_numpy(), rows["score"].to_numpy(), 0.3)
        expected += rows.index[kept].tolist()
    ours = nms_detections(detections, 0.3)
    pd.testing.assert_frame_equal(ours, detections.loc[sorted(expected)].reset_index(drop=True))
