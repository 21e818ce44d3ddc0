"""What is drawn of each cell, and that as much is shown of every one."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcn.evaluation.error_breakdown import KINDS
from frcn.evaluation.nms_detections import nms_detections
from frcn.report.cells import read_cells
from frcn.report.comparison import compare
from frcn.report.confident import confident
from frcn.report.figures import error_kinds
from frcn.report.samples import choose_pictures
from frcn.report.sort_key import sort_key
from frcn.report.table import seconds, signed
from frcn.report.vector import CURVE_POINTS, labelled_box, line, outline, stacked_bar


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("56.2 [54.0, 58.6]", 56.2),
        ("≈ ×106 [96.5, 109]", 106),
        ("−46.68", -46.68),
        ("−74.5 h", -268200),
        ("3 min (×1)", 180),
        ("25.0 h (×3.4)", 90000),
        ("0.0123 s (×9.02)", 0.0123),
        ("+0.3 *", 0.3),
        ("45 %", 45),
        ("2,000 G", 2e12),
        ("1.12 M", 1120000),
        ("0.974 s / 0.143 s", 0.974),
        ("–", None),
        ("not run", None),
        ("", None),
    ],
)
def test_cells_sort_by_their_first_number(text, number):
    assert sort_key(text) == number


@given(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6))
def test_seconds_sort_as_what_they_are_rounded_to(a, b):
    """Half a minute and half of 0.1 h is what the words of two numbers may hide."""
    if a < b - 400:
        assert sort_key(seconds(a)) < sort_key(seconds(b))


@given(st.floats(-1e3, 1e3))
def test_signed_numbers_sort_by_their_value(value):
    assert sort_key(signed(value)) == round(value, 1)


def test_a_line_of_three_points_worked_by_hand():
    path = line(np.array([0, 0.5, 1]), np.array([1, 0.25, 0]))
    assert path == '<path d="M0.0 0.0L50.0 75.0L100.0 100.0"/>'
    assert line(np.array([]), np.array([])) == ""


@given(st.integers(1, 500))
def test_a_long_line_keeps_its_ends(n):
    x = np.linspace(0.1, 0.9, n)
    points = line(x, x)[len('<path d="M') :].removesuffix('"/>').split("L")
    assert len(points) == min(n, CURVE_POINTS)
    assert points[0] == "10.0 90.0" and (n == 1 or points[-1] == "90.0 10.0")


def test_a_bar_is_divided_as_the_counts_are():
    assert stacked_bar([1, 0, 3]) == (
        '<rect class="kind0" x="0.00" width="25.00" height="10"/>'
        '<rect class="kind2" x="25.00" width="75.00" height="10"/>'
    )
    assert stacked_bar([0, 0]) == ""


def test_an_outline_passes_through_the_corner_pixels():
    assert outline([1, 2, 30.25, 40]) == '<path d="M1 2H30.2V40H1Z"/>'


def test_words_of_a_box_stay_inside_the_picture_and_are_escaped():
    left = labelled_box([2, 0, 30, 40], "<b>", "right", 100)
    assert '<text x="2" y="3">&lt;b&gt;</text>' in left
    right = labelled_box([60, 50, 99, 70], "kite", "wrong", 100)
    assert '<text x="99" y="49" class="end">kite</text>' in right


def _cells(world):
    return read_cells("mini", world.root / "configs", world.root / "artefacts", [0])


def _many(count: int) -> pd.DataFrame:
    """Detections of which NMS takes most, with scores far from probabilities."""
    rng = np.random.default_rng(0)
    corner = rng.integers(0, 20, (count, 2))
    boxes = np.hstack([corner, corner + rng.integers(10, 40, (count, 2))])
    frame = pd.DataFrame(boxes.astype(np.float32), columns=["x1", "y1", "x2", "y2"])
    frame["score"] = rng.normal(-1, 1, count).astype(np.float32)
    frame["class"] = rng.choice(["fish", "kite"], count)
    frame["image_id"] = rng.choice([f"test{i}" for i in range(6)], count)
    return frame


@pytest.mark.parametrize("count", [1, 20, 90, 10_000])
def test_the_best_detections_are_those_of_a_full_nms(full, count):
    """Also where the first try leaves too few, and where there are fewer than wanted."""
    frame = _many(2000)
    frame.to_parquet(full.root / "artefacts/mini/detect/XS-default-0/detections.parquet")
    cell = _cells(full).get("XS", "default")
    whole = nms_detections(frame, 0.3).sort_values("score", ascending=False, kind="stable")
    pd.testing.assert_frame_equal(
        confident(cell, count)[frame.columns].reset_index(drop=True),
        whole.head(count)[frame.columns].reset_index(drop=True),
    )


def test_equally_many_detections_are_shown_of_every_cell(full):
    """default has 6 + 3 of score 0.5 or more; fc_only has more than that, of low scores."""
    frame = _many(2000)
    frame.to_parquet(full.root / "artefacts/mini/detect/XS-fc_only-0/detections.parquet")
    found = compare(_cells(full), full.dataset())
    drawn = {
        name: sum(fragments[f"boxes{k}"].count("<text") for k in range(6))
        for name, fragments in found.cells.items()
    }
    assert drawn == {"XS-default": 9, "XS-fc_only": 9, "XS-proposals_1k": 0, "XS-proposals_2k": 0}
    assert "5 at random" not in found.rule and "3 at random" in found.rule
    assert ": 9." in found.rule


def test_right_and_wrong_detections_are_told_apart(full):
    found = compare(_cells(full), full.dataset())
    places = {picture.id: k for k, picture in enumerate(found.pictures)}
    assert len(places) == 6 and found.pictures[0].kind == "best"
    k = places["test3"]
    boxes, words = (found.cells["XS-default"][f"{name}{k}"] for name in ("boxes", "words"))
    assert words == "1 of 2 found, 2 false"
    assert boxes.count('class="right"') == 1 and boxes.count('class="wrong"') == 2
    # The best is drawn last; the objects are in the picture, not in the cell.
    assert boxes.rindex("fish 0.90") > boxes.rindex("fish 0.60")
    assert found.pictures[k].objects.count("<path") == 2


def test_words_of_a_crowded_picture_wait_until_it_is_enlarged(full):
    full.write_detections("XS-default-0", found={0: 2, 1: 2}, false={0: 6, 1: 7})
    cells = compare(_cells(full), full.dataset()).cells["XS-default"]
    boxes = [cells[f"boxes{k}"] for k in range(6)]
    crowded = [words for words in boxes if words.startswith('<g class="crowded">')]
    assert sorted(words.count("<text") for words in boxes) == [0, 0, 0, 0, 8, 9]
    assert [words.count("<text") for words in crowded] == [9]


def test_losses_share_their_axes(full):
    found = compare(_cells(full), full.dataset())
    assert found.axes.steps == 100
    # 2 / step**0.3, as the world writes it: 2 at first, 0.5 at the end.
    assert found.cells["XS-default"]["loss_words"] == "ends at 0.50"
    assert found.axes.loss <= 2
    path = full.root / "artefacts/mini/train/XS-fc_only-0/loss.csv"
    path.unlink()
    found = compare(_cells(full), full.dataset())
    assert found.cells["XS-fc_only"]["loss"] == ""
    assert found.cells["XS-fc_only"]["loss_words"] == "no SGD of its own"


def test_errors_of_all_classes_are_their_sums(full):
    rows = compare(_cells(full), None).cells["XS-default"]["errors"].split("</tr>")
    assert len(rows) == 4 and '<th scope="row">all classes</th>' in rows[2]
    assert rows[2].count('<td class="number">4</td>') == 5
    assert rows[2].endswith('<td class="number">2</td>')


def _error_table(world):
    """Of the built page: colours and words of the table's headings, the table, what is above it."""
    page = world.build().joinpath("report.html").read_text()
    (about, table), *_ = re.findall(
        r"<h3>What the most confident detections are</h3>(.*?)<table(.*?)</table>", page, re.S
    )
    headings = re.findall(r'<rect class="(kind\d)"[^>]*/></svg> (\w+)</th>', table)
    return dict(headings), table, about


def test_similar_classes_have_a_column_where_there_are_any(make_world):
    world = make_world("mini", similar_classes=[["fish", "kite"]])
    world.run("default", 60.0)
    headings, table, about = _error_table(world)
    assert headings == {f"kind{place}": kind for place, kind in enumerate(KINDS)}
    rows = compare(_cells(world), None).cells["XS-default"]["errors"].split("</tr>")
    assert [row.count('<td class="number">') for row in rows[:-1]] == [7, 7, 7]
    assert [row.count('class="kind2"') for row in rows[:-1]] == [1, 1, 1]
    assert 'colspan="9"' in table
    assert "within a group: fish, kite.</p>" in about
    assert "similar 2" in error_kinds(_cells(world).get("XS", "default"), ["fish"]).alt


def test_without_similar_classes_no_column_stays_empty(world):
    world.run("default", 60.0)
    headings, table, about = _error_table(world)
    # The other kinds keep their colours.
    assert headings == {f"kind{i}": kind for i, kind in enumerate(KINDS) if kind != "similar"}
    rows = compare(_cells(world), None).cells["XS-default"]["errors"].split("</tr>")
    assert [row.count('<td class="number">') for row in rows[:-1]] == [6, 6, 6]
    assert 'class="kind2"' not in "".join(rows)
    assert 'colspan="8"' in table
    assert "similar" not in table + about
    assert "similar" not in error_kinds(_cells(world).get("XS", "default"), ["fish"]).alt


def test_without_data_there_are_no_pictures_and_without_runs_no_comparison(full, make_world):
    found = compare(_cells(full), None)
    assert found.pictures == [] and "boxes0" not in found.cells["XS-default"]
    assert (found.first, found.second) == ("XS-default", "XS-fc_only")
    world = make_world("mini")
    for path in (world.root / "artefacts/mini/score").glob("*/score.json"):
        path.unlink()
    assert compare(_cells(world), None) is None


def test_a_single_cell_stands_beside_itself(world):
    world.run("default", 60.0)
    found = compare(_cells(world), None)
    assert found.first == found.second == "XS-default"


def test_rcnn_is_what_default_is_first_held_against(world):
    for experiment in ("conv2_up", "svm", "rcnn", "default"):
        world.run(experiment, 50.0)
    found = compare(_cells(world), None)
    assert list(found.cells)[:3] == ["XS-default", "XS-rcnn", "XS-svm"]


def test_more_random_pictures_leave_the_first_the_same():
    counts = pd.DataFrame({"id": [f"{i:02}" for i in range(20)], "f1": 0.5, "objects": 1})
    few, many = choose_pictures(counts), choose_pictures(counts, random=5)
    assert few.items() <= many.items() and len(many) == 8 == len(set(many.values()))
    assert list(many)[3:] == ["random", "random 2", "random 3", "random 4", "random 5"]
    assert len(choose_pictures(counts.head(4), random=5)) == 4
