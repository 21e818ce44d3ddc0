"""Matching and AP: hand-worked cases, and a plain-Python twin of the MATLAB procedure."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frcn.errors import UserError
from frcn.evaluation.voc_ap import (
    average_precision_11pt,
    average_precision_area,
    evaluate,
    match,
    precision_recall,
)

LEFT = (0, 0, 9, 9)
RIGHT = (50, 0, 59, 9)
NOWHERE = (200, 200, 209, 209)


@pytest.fixture(name="cats")
def _cats(make_dataset):
    """Builds a data set of one class from {id: [(box, difficult), …]}."""

    def build(objects):
        named = {i: [("cat", *thing) for thing in things] for i, things in objects.items()}
        return make_dataset(["cat"], named)

    return build


def test_difficult_objects_are_neither_found_nor_missed(cats, make_detections):
    dataset = cats({"a": [(LEFT, False), (RIGHT, True)]})
    detections = make_detections(
        ("a", "cat", 0.9, RIGHT),
        ("a", "cat", 0.8, RIGHT),
        ("a", "cat", 0.7, LEFT),
        ("a", "cat", 0.6, NOWHERE),
    )
    evaluation = evaluate(detections, dataset)
    matches = evaluation.matches["cat"]
    assert matches.ignored.tolist() == [True, True, False, False]
    assert matches.tp.tolist() == [False, False, True, False]
    assert matches.fp.tolist() == [False, False, False, True]
    assert evaluation.n_objects == 1
    assert evaluation.ap == {"cat": 100.0}
    assert evaluation.ap_area == {"cat": 100.0}


def test_a_detection_belongs_to_the_object_it_overlaps_most(cats, make_detections):
    # 9 of 11 columns shared with the difficult object, 8 of 12 with the other: both over 0.5.
    dataset = cats({"a": [((2, 0, 11, 9), False), ((-1, 0, 8, 9), True)]})
    matches = match(make_detections(("a", "cat", 0.9, LEFT)), dataset)["cat"]
    assert matches.ignored.tolist() == [True]
    assert matches.overlap == pytest.approx([9 / 11])


def test_duplicates_are_false_positives(cats, make_detections):
    dataset = cats({"a": [(LEFT, False)], "b": [(LEFT, False)]})
    detections = make_detections(
        ("b", "cat", 0.7, LEFT), ("a", "cat", 0.8, LEFT), ("a", "cat", 0.9, LEFT)
    )
    evaluation = evaluate(detections, dataset)
    matches = evaluation.matches["cat"]
    assert matches.score == pytest.approx([0.9, 0.8, 0.7])
    assert matches.tp.tolist() == [True, False, True]
    assert matches.duplicate.tolist() == [False, True, False]
    # Precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1: six levels at 1 and five at 2/3.
    assert evaluation.ap["cat"] == pytest.approx(100 * (6 + 5 * 2 / 3) / 11)
    assert evaluation.ap_area["cat"] == pytest.approx(100 * (0.5 + 0.5 * 2 / 3))


@pytest.mark.parametrize(("rows", "matched"), [(5, True), (4, False)])
def test_an_overlap_of_exactly_a_half_matches(cats, make_detections, rows, matched):
    dataset = cats({"a": [(LEFT, False)]})
    detections = make_detections(("a", "cat", 0.9, (0, 0, 9, rows - 1)))
    matches = match(detections, dataset)["cat"]
    assert matches.overlap == pytest.approx([rows / 10])
    assert matches.tp.tolist() == [matched]


def test_a_class_without_objects_is_left_out_of_the_mean(make_dataset, make_detections):
    objects = {"a": [("cat", LEFT, False), ("dog", RIGHT, True)]}
    dataset = make_dataset(["cat", "dog", "emu"], objects)
    detections = make_detections(
        ("a", "cat", 0.5, LEFT), ("a", "dog", 0.5, RIGHT), ("a", "emu", 0.5, LEFT)
    )
    evaluation = evaluate(detections, dataset)
    assert evaluation.ap == {"cat": 100.0, "dog": None, "emu": None}
    assert evaluation.map_11pt == evaluation.map_area == 100.0
    assert evaluate(detections, dataset, classes=["dog", "emu"]).map_11pt is None


def test_equal_scores_keep_the_order_of_the_rows(cats, make_detections):
    dataset = cats({"a": [(LEFT, False)]})
    hit, miss = ("a", "cat", 0.5, LEFT), ("a", "cat", 0.5, NOWHERE)
    assert evaluate(make_detections(hit, miss), dataset).ap["cat"] == 100.0
    assert evaluate(make_detections(miss, hit), dataset).ap["cat"] == 50.0


def test_images_without_detections_or_objects_count(cats, make_detections):
    dataset = cats({"a": [(LEFT, False)], "b": [(LEFT, False)], "c": []})
    detections = make_detections(("c", "cat", 0.9, LEFT), ("a", "cat", 0.8, LEFT))
    evaluation = evaluate(detections, dataset)
    assert evaluation.matches["cat"].n_positives.tolist() == [1, 1, 0]
    assert evaluation.matches["cat"].overlap.tolist() == [-1, 1]
    # Precision 1/2 at recall 1/2: six levels.
    assert evaluation.ap["cat"] == pytest.approx(100 * 6 * 0.5 / 11)
    assert evaluate(make_detections(), dataset).ap == {"cat": 0.0}


@pytest.mark.parametrize("objects", range(1, 61))
def test_recall_levels_are_reached_exactly(objects):
    for found in range(1, objects + 1):
        recall, precision = precision_recall(np.ones(found, bool), np.zeros(found, bool), objects)
        levels = 10 * found // objects + 1
        assert average_precision_11pt(recall, precision) == pytest.approx(levels / 11)
        assert average_precision_area(recall, precision) == pytest.approx(found / objects)


def test_recall_without_objects_is_refused():
    with pytest.raises(ValueError, match="undefined"):
        precision_recall(np.zeros(1, bool), np.ones(1, bool), 0)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("zebra", "cat", 0.5, LEFT), "image 'zebra' isn't in the set 'test'"),
        (("a", "zebra", 0.5, LEFT), "class 'zebra' isn't one of"),
        (("a", "cat", float("nan"), LEFT), "row 1 has a score or corner that isn't finite"),
        (("a", "cat", 0.5, (0, 0, float("inf"), 9)), "row 1 has a score or corner"),
    ],
)
def test_bad_rows_are_refused(cats, make_detections, row, message):
    dataset = cats({"a": [(LEFT, False)]})
    with pytest.raises(UserError, match=message):
        match(make_detections(("a", "cat", 0.9, LEFT), row), dataset)


# --- the MATLAB procedure (VOCevaldet and the 11-point loop), step by step in exact fractions ---


def _overlap(box, other):
    width = min(box[2], other[2]) - max(box[0], other[0]) + 1
    height = min(box[3], other[3]) - max(box[1], other[1]) + 1
    if width <= 0 or height <= 0:
        return None
    areas = [(b[2] - b[0] + 1) * (b[3] - b[1] + 1) for b in (box, other)]
    return Fraction(width * height, sum(areas) - width * height)


def _matlab_twin(rows, objects, name):
    """AP (11-point) and its area twin for one class, or None without an object."""
    rows = [row for row in rows if row[1] == name]
    truth = {
        i: [[box, difficult, False] for label, box, difficult in things if label == name]
        for i, things in objects.items()
    }
    npos = sum(not difficult for things in truth.values() for _, difficult, _ in things)
    if npos == 0:
        return None
    true = false = 0
    points = []
    for image_id, _, _, box in sorted(rows, key=lambda row: -row[2]):
        best, best_object = None, None
        for thing in truth[image_id]:
            overlap = _overlap(box, thing[0])
            if overlap is not None and (best is None or overlap > best):
                best, best_object = overlap, thing
        if best is None or best < Fraction(1, 2) or (not best_object[1] and best_object[2]):
            false += 1
        elif not best_object[1]:
            true += 1
            best_object[2] = True
        if true + false:
            points.append((Fraction(true, npos), Fraction(true, true + false)))
    levels = [
        max((p for r, p in points if r >= Fraction(k, 10)), default=Fraction(0)) for k in range(11)
    ]
    steps = [
        max((p for r, p in points if r >= Fraction(found, npos)), default=Fraction(0))
        for found in range(1, npos + 1)
    ]
    return 100 * float(sum(levels) / 11), 100 * float(sum(steps) / npos)


_corner = st.integers(0, 6)
_side = st.integers(0, 5)
_boxes = st.builds(lambda x, y, w, h: (x, y, x + w, y + h), _corner, _corner, _side, _side)
_names = st.sampled_from(["cat", "dog"])
_objects = st.fixed_dictionaries(
    {i: st.lists(st.tuples(_names, _boxes, st.booleans()), max_size=5) for i in "ab"}
)
_rows = st.lists(
    st.tuples(st.sampled_from("ab"), _names, st.sampled_from([0.25, 0.5, 0.75]), _boxes),
    max_size=20,
)


@settings(max_examples=200, deadline=None)
@given(objects=_objects, rows=_rows, copies=st.booleans())
def test_agrees_with_the_matlab_procedure(make_dataset, make_detections, objects, rows, copies):
    if copies:  # perfect boxes, so that many detections match
        rows = [(i, n, 0.5, box) for i in objects for n, box, _ in objects[i]] + rows
    evaluation = evaluate(make_detections(*rows), make_dataset(["cat", "dog"], objects))
    for name in ("cat", "dog"):
        expected = _matlab_twin(rows, objects, name)
        if expected is None:
            assert evaluation.ap[name] is evaluation.ap_area[name] is None
        else:
            ours = (evaluation.ap[name], evaluation.ap_area[name])
            assert ours == pytest.approx(expected, abs=1e-9)
