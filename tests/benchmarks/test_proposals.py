"""The benchmark of proposals on tiny pictures: what it counts, not how long anything takes."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import proposals
from frcn.data.testing import TINY_CLASSES, write_tiny_tree
from frcn.data.voc import VOCDataset
from frcn.report.paper import load_paper
from frcn.report.proposal_tables import proposal_time_table

PAPER = Path(__file__).parents[2] / "conf" / "paper"


def whole(image: np.ndarray) -> np.ndarray:
    """One box of all pixels."""
    return np.array([[0, 0, image.shape[1] - 1, image.shape[0] - 1]])


@pytest.fixture
def dataset(tmp_path) -> VOCDataset:
    write_tiny_tree(tmp_path, {"test": 5})
    return VOCDataset(tmp_path, "test", TINY_CLASSES)


@pytest.mark.parametrize("width", [None, 37, 64, 200])
def test_boxes_of_a_resized_picture_are_scaled_back(dataset, width):
    image = dataset.image(0)
    runs = proposals.run_all({"whole": whole}, [image], width)["whole"]
    np.testing.assert_array_equal(runs.boxes[0], whole(image))


def test_methods_take_turns_at_each_picture(dataset):
    calls = []
    methods = {
        name: lambda image, name=name: calls.append((name, image.shape[1])) or whole(image)
        for name in ("a", "b")
    }
    proposals.run_all(methods, [dataset.image(0), dataset.image(1)], 80, repeats=2)
    assert calls == [("a", 80)] * 2 + [("b", 80)] * 2 + [("a", 80)] * 2 + [("b", 80)] * 2


def test_a_slow_method_is_not_repeated(monkeypatch):
    calls = []
    monkeypatch.setattr(proposals, "ENOUGH_SECONDS", 1e-9)
    proposals.timed(calls.append, np.zeros((4, 4, 3), np.uint8), repeats=3)
    assert len(calls) == 1


def test_times_have_a_row_for_each_width_and_method(dataset, monkeypatch):
    objects = iter([dataset.annotation(i).boxes for i in (0, 2, 4, 0, 4)])
    monkeypatch.setattr(proposals, "COMPARED", {"perfect": lambda image: next(objects)})
    monkeypatch.setattr(proposals, "ENOUGH_SECONDS", 1e-9)
    monkeypatch.setattr(proposals, "TIMED_PICTURES", {None: 3, 64: 2})
    times = proposals.proposal_times(dataset, "tiny")
    assert times["width"].tolist() == ["native", "64"]
    assert times["pictures"].tolist() == [3, 2]
    assert (times[["recall_50", "recall_70", "average_recall"]] == 100).all(axis=None)
    table = proposal_time_table(times, load_paper(PAPER).proposals, [])
    assert "3 at native size, 2 at 64 px" in table.markdown()


@pytest.mark.parametrize("name", proposals.ALL)
def test_every_method_answers_with_boxes(name, dataset):
    boxes = proposals.ALL[name](dataset.image(0))
    assert boxes.ndim == 2 and boxes.shape[1] == 4


def test_published_seconds_are_of_compared_methods():
    assert set(load_paper(PAPER).proposals.seconds) <= set(proposals.COMPARED)
