"""The rule by which test pictures are chosen, and drawing on them."""

import numpy as np
import pandas as pd
import pytest

from frcn.evaluation.nms_detections import nms_detections
from frcn.report.drawing import draw_detections, draw_proposals
from frcn.report.samples import choose_pictures, picture_counts


def test_f1_of_pictures_worked_by_hand(world):
    world.write_data()
    world.run("default", 60.0)
    world.write_detections("XS-default-0", found={0: 2, 1: 2, 2: 1}, false={1: 1, 3: 2})
    path = world.root / "artefacts/mini/detect/XS-default-0/detections.parquet"
    detections = nms_detections(pd.read_parquet(path), 0.3)
    counts = picture_counts(detections, world.dataset(), 0.5)
    # Two objects each. 2 TP: 1. 2 TP and 1 FP: 4/5. 1 TP, 1 missed: 2/3. Only false: 0.
    assert counts["f1"].tolist() == pytest.approx([1, 4 / 5, 2 / 3, 0, 0, 0])
    assert counts["tp"].tolist() == [2, 2, 1, 0, 0, 0]
    assert counts["fp"].tolist() == [0, 1, 0, 2, 0, 0]


def test_ties_go_to_more_objects_then_to_the_id():
    counts = pd.DataFrame(
        {
            "id": ["d", "c", "b", "a", "empty"],
            "f1": [0.5, 1.0, 1.0, 1.0, 0.0],
            "objects": [2, 1, 3, 3, 0],
        }
    )
    chosen = choose_pictures(counts)
    # Order: a, b (3 objects, by id), c, d; the picture without an object is never shown.
    assert (chosen["best"], chosen["median"], chosen["worst"]) == (3, 1, 0)
    assert chosen["random"] == 1 or chosen["random"] in counts.index
    assert chosen == choose_pictures(counts)


def test_no_picture_with_objects_gives_no_sample():
    counts = pd.DataFrame({"id": ["a"], "f1": [0.0], "objects": [0]})
    assert choose_pictures(counts) == {}


def test_drawing_leaves_the_picture_alone_and_draws_where_the_box_is():
    image = np.zeros((40, 60, 3), dtype=np.uint8)
    row = {"class": "kite", "score": 0.8, "x1": 10.0, "y1": 20.0, "x2": 30.0, "y2": 35.0}
    drawn = draw_detections(image, pd.DataFrame([row]), ["fish", "kite"], zoom=2)
    assert not image.any()
    assert drawn.shape == (80, 120, 3)
    assert drawn[70, 40].any() and drawn[55, 20].any()
    assert not drawn[60, 40].any()


def test_no_detections_and_objects_draw_only_the_objects():
    image = np.zeros((40, 60, 3), dtype=np.uint8)
    empty = pd.DataFrame({"class": [], "score": [], "x1": [], "y1": [], "x2": [], "y2": []})
    drawn = draw_detections(image, empty, ["fish"], objects=np.array([[5, 5, 20, 20]]))
    assert drawn[5, 5:21].all() and not drawn[6:20, 6:20].any()


def test_the_first_proposals_are_brightest():
    image = np.zeros((40, 60, 3), dtype=np.uint8)
    drawn = draw_proposals(image, np.array([[2, 2, 10, 10], [20, 20, 30, 30]]))
    assert drawn[2, 5, 2] > drawn[20, 25, 2] > 0
