"""``score_run`` on a small run whose numbers are known, and the faults it must name."""

import json

import numpy as np
import pandas as pd
import pytest

from frcn.config import Score
from frcn.errors import UserError
from frcn.evaluation.score import CURVE_POINTS, format_evaluation, score_run
from frcn.evaluation.voc_ap import evaluate

BOX, FAR = (0, 0, 9, 9), (50, 50, 59, 59)
SCORE = Score(bootstrap_samples=200)


@pytest.fixture(name="run")
def _run(tmp_path, make_dataset, make_detections):
    """(path of detections.parquet, data set): AP 100 and 6/11, and a class without objects."""
    objects = {
        "a": [("cat", BOX, False), ("dog", FAR, False)],
        "b": [("dog", BOX, False), ("emu", FAR, True)],
        "c": [("cat", FAR, False)],
    }
    detections = make_detections(
        ("a", "cat", 0.9, BOX),
        ("a", "cat", 0.8, (0, 0, 9, 8)),  # goes in NMS; else a duplicate
        ("c", "cat", 0.7, FAR),
        ("b", "dog", 0.6, BOX),
    )
    path = tmp_path / "detections.parquet"
    detections.to_parquet(path)
    return path, make_dataset(["cat", "dog", "emu"], objects)


def test_artefacts(run, tmp_path):
    path, dataset = run
    out = tmp_path / "score"
    result = score_run(path, dataset, SCORE, out, {"recall_50": 91.5})
    assert json.loads((out / "score.json").read_text()) == result
    half = pytest.approx(600 / 11)
    assert result["ap"] == {"cat": 100, "dog": half, "emu": None}
    assert result["ap_area"] == {"cat": 100, "dog": pytest.approx(50), "emu": None}
    assert result["map_11pt"] == pytest.approx((100 + 600 / 11) / 2)
    assert result["map_area"] == pytest.approx(75)
    assert (result["n_test_images"], result["n_objects"], result["recall_50"]) == (3, 4, 91.5)
    assert result["errors"]["dog"] == {
        "correct": 1,
        "localisation": 0,
        "similar": 0,
        "other": 0,
        "background": 0,
        "duplicate": 0,
        "missed": 1,
    }
    samples = np.load(out / "bootstrap.npy")
    assert samples.shape == (200,)
    assert samples.dtype == np.float64
    assert [result["low"], result["high"]] == pytest.approx(np.percentile(samples, [2.5, 97.5]))
    curves = pd.read_csv(out / "curves.csv")
    assert list(curves.columns) == ["class", "recall", "precision", "score"]
    assert curves.values.tolist() == [
        ["cat", 0.5, 1, pytest.approx(0.9)],
        ["cat", 1, 1, pytest.approx(0.7)],
        ["dog", 0.5, 1, pytest.approx(0.6)],
    ]
    assert sorted(file.name for file in out.iterdir()) == [
        "bootstrap.npy",
        "curves.csv",
        "score.json",
    ]


def test_similar_classes_are_those_of_the_same_groups(tmp_path, make_dataset, make_detections):
    """Each class has one object; its best detection lies on the object of another class."""
    places = {name: (100 * i, 0, 100 * i + 9, 9) for i, name in enumerate(("bird", "cat", "plane"))}
    dataset = make_dataset(places, {"a": [(name, box, False) for name, box in places.items()]})
    path = tmp_path / "detections.parquet"
    make_detections(
        ("a", "bird", 0.9, places["plane"]),
        ("a", "cat", 0.9, places["plane"]),
        ("a", "plane", 0.9, places["bird"]),
    ).to_parquet(path)
    # A bird is like a cat and like a plane; that makes cats and planes no more alike.
    groups = [["bird", "cat"], ["bird", "plane"]]
    for similar, kinds in (([], "other other other"), (groups, "similar other similar")):
        score = Score(bootstrap_samples=2, similar_classes=similar)
        errors = score_run(path, dataset, score, tmp_path, {})["errors"]
        for name, kind in zip(places, kinds.split(), strict=True):
            found = {key for key, count in errors[name].items() if count}
            assert found == {kind, "missed"}, name


def test_the_same_bytes_twice(run, tmp_path):
    path, dataset = run
    for name in ("one", "two"):
        score_run(path, dataset, SCORE, tmp_path / name, {})
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_without_any_object_numbers_are_null(run, tmp_path, make_dataset):
    path, _ = run
    dataset = make_dataset(["cat", "dog", "emu"], {"a": [], "b": [], "c": []})
    result = score_run(path, dataset, SCORE, tmp_path / "score", {})
    keys = ("map_11pt", "map_area", "low", "high")
    assert [result[key] for key in keys] == [None] * 4
    assert pd.read_csv(tmp_path / "score" / "curves.csv").empty


def test_a_run_without_detections(run, tmp_path, make_detections):
    path, dataset = run
    make_detections().to_parquet(path)
    result = score_run(path, dataset, SCORE, tmp_path / "score", {})
    assert result["ap"] == {"cat": 0, "dog": 0, "emu": None}
    assert (result["low"], result["high"]) == (0, 0)


def test_long_curves_are_thinned_from_end_to_end(tmp_path, make_dataset, make_detections):
    ids = [f"{i:03d}" for i in range(301)]
    dataset = make_dataset(["cat"], {i: [("cat", BOX, False)] for i in ids})
    path = tmp_path / "detections.parquet"
    make_detections(*((i, "cat", 1 - int(i) / 1000, BOX) for i in ids)).to_parquet(path)
    score_run(path, dataset, Score(bootstrap_samples=2), tmp_path, {})
    curves = pd.read_csv(tmp_path / "curves.csv")
    assert len(curves) == CURVE_POINTS
    assert curves["recall"].iloc[[0, -1]].tolist() == pytest.approx([1 / 301, 1])
    assert curves["recall"].diff().max() < 3 / 301


def test_faulty_parquet_files_are_named(run, tmp_path):
    path, dataset = run
    with pytest.raises(UserError, match=r"none.parquet: not found"):
        score_run(tmp_path / "none.parquet", dataset, SCORE, tmp_path, {})
    pd.read_parquet(path).drop(columns=["x2", "score"]).to_parquet(tmp_path / "lacking.parquet")
    with pytest.raises(UserError, match=r"columns \['score', 'x2'\] are missing"):
        score_run(tmp_path / "lacking.parquet", dataset, SCORE, tmp_path, {})
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match=r"detections.parquet: no readable Parquet file"):
        score_run(path, dataset, SCORE, tmp_path, {})


def test_table(run):
    path, dataset = run
    assert format_evaluation(evaluate(pd.read_parquet(path), dataset)).splitlines() == [
        "class  AP 11pt  AP area  objects  detections",
        "cat      84.85    83.33        2           3",
        "dog      54.55    50.00        2           1",
        "emu          –        –        0           0",
        "mAP      69.70    66.67",
        "–: no object to be found in this set; left out of the mean.",
    ]
