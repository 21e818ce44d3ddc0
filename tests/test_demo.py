"""``frcn demo``, run as a user runs them, on weights made by hand."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml

from frcn import demo
from frcn.cli import main
from frcn.config import Cell, validate
from frcn.data.testing import TINY_CLASSES, TINY_SIZE, write_tiny_tree
from frcn.errors import UserError
from frcn.models import weights
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.weights import Preprocessing
from frcn.systems import system
from tiny_world import PRETRAINING

LEFT_BIAS = 4.0


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(name="values")
def _values(tmp_path):
    scales = {"short_sides": [48], "max_size": 96}
    return {
        "profile": "tiny",
        "experiment": "default",
        "network": {
            "name": "XS",
            "first_layer": "conv1_1",
            "learn_from": "conv3_1",
            "rcnn_batch": 128,
            "svd_ranks": {},
            "weights": PRETRAINING,
        },
        "data": {
            "root": str(tmp_path / "voc"),
            "source": {"kind": "folder", "path": "unused"},
            "classes": list(TINY_CLASSES),
            "splits": {"trainval": "trainval", "test": "test"},
        },
        "proposals": {
            "name": "single",
            "method": "selective_search",
            "preset": "single",
            "k": [20],
            "min_side": 4,
        },
        "train": {
            "kind": "sgd",
            "parent": "backbone",
            "splits": ["trainval"],
            "proposals": 30,
            "learn_from": "conv3_1",
            "scales": scales,
        },
        "test": {"split": "test", "proposals": 30, "scales": scales},
    }


@pytest.fixture(name="trained")
def _trained(tmp_path):
    """Weights that call every proposal ``left`` and leave its box as it is."""
    network = FastRCNNNet("XS", len(TINY_CLASSES))
    with torch.no_grad():
        for layer in (network.cls_score, network.bbox_pred):
            layer.weight.zero_()
            layer.bias.zero_()
        network.cls_score.bias[1] = LEFT_BIAS
    path = tmp_path / "weights.safetensors"
    weights.save(path, network.state_dict(), "XS", Preprocessing((0, 0, 0), (1, 1, 1)))
    return path


@pytest.fixture(name="picture")
def _picture(tmp_path):
    write_tiny_tree(tmp_path / "voc", {"test": 1})
    return tmp_path / "voc/JPEGImages/test_0.jpg"


@pytest.fixture(name="arguments")
def _arguments(tmp_path, values, trained):
    config = tmp_path / "cell.yaml"
    config.write_text(yaml.safe_dump(values))
    out = tmp_path / "out"
    return ["--config", str(config), "--weights", str(trained), "--out", str(out)]


def test_draws_detections_and_proposals(picture, arguments, tmp_path, capsys):
    before = picture.read_bytes()
    assert main(["demo", str(picture), "--proposals", *arguments]) == 0
    line = capsys.readouterr().out
    assert line.startswith(f"{picture}: ")
    assert len(line.splitlines()) == 1
    drawn = cv2.imread(str(tmp_path / "out/test_0_detections.jpg"))
    assert max(drawn.shape[:2]) == demo.LEGIBLE_SIDE
    assert cv2.imread(str(tmp_path / "out/test_0_proposals.jpg")).shape[:2] == TINY_SIZE
    assert picture.read_bytes() == before


def test_dense_boxes_are_those_of_the_cell(values, arguments, picture, trained, monkeypatch):
    seen = []
    find = demo.find_detections
    monkeypatch.setattr(demo, "find_detections", lambda *a: seen.append(a[3]) or find(*a))
    values["dense"] = {"use": "alone", "count": 7, "smallest": 8, "aspect_ratios": [1], "stride": 1}
    list(demo.demo(validate(Cell, values, ""), trained, [picture], Path(arguments[-1])))
    assert seen[0].shape == (7, 4)


def test_imported_boxes_are_of_no_other_picture(values, trained, picture, tmp_path):
    values["proposals"] = {"name": "theirs", "method": "imported", "files": {"test": "a.mat"}}
    with pytest.raises(UserError, match="'theirs' are imported from files, which have none"):
        list(demo.demo(validate(Cell, values, ""), trained, [picture], tmp_path))


@pytest.mark.parametrize("width", [None, 60])
def test_both_parts_of_an_interleaved_list_see_the_lower_width(values, monkeypatch, width):
    made = []
    monkeypatch.setattr(demo, "make_method", made.append)
    parts = [values["proposals"] | {"max_width": width}] * 2
    values["proposals"] = {"name": "both", "method": "interleaved", "parts": parts}
    demo.method_for(validate(Cell, values, ""))
    assert [part.max_width for part in made[0].parts] == [width or demo.PROPOSAL_WIDTH] * 2


def test_threshold_above_every_score_draws_nothing(picture, arguments, capsys):
    assert main(["demo", str(picture), "--threshold", "0.99", *arguments]) == 0
    assert ": 0 detections," in capsys.readouterr().out


def test_detections_are_the_proposals_that_nms_keeps(values, trained, picture):
    cell = validate(Cell, values, "here")
    detector = system(cell.system).load_detector(cell, trained)
    apart = np.array([[0, 0, 19, 19], [30, 20, 49, 39]], dtype=np.float32)
    twin = apart[:1] + 1
    found = demo.find_detections(
        detector, cell, demo.read_picture(picture), np.concatenate([apart, twin]), 0.5
    )
    assert set(found["class"]) == {"left"}
    expected = np.exp(LEFT_BIAS) / (np.exp(LEFT_BIAS) + 2)
    np.testing.assert_allclose(found["score"], expected, rtol=1e-5)
    np.testing.assert_allclose(found[["x1", "y1", "x2", "y2"]], apart)


@pytest.mark.parametrize(("configured", "width"), [(None, demo.PROPOSAL_WIDTH), (200, 200)])
def test_wide_picture_is_searched_at_a_lower_width(values, monkeypatch, configured, width):
    made = []
    monkeypatch.setattr(demo, "make_method", made.append)
    cell = validate(
        Cell, values | {"proposals": values["proposals"] | {"max_width": configured}}, ""
    )
    demo.method_for(cell)
    assert made == [cell.proposals.model_copy(update={"max_width": width})]


def _error(capsys, *arguments):
    assert main(["demo", *map(str, arguments)]) == 2
    return capsys.readouterr().err


def test_bad_pictures(tmp_path, arguments, picture, capsys):
    missing = tmp_path / "none.jpg"
    assert f"{missing}: not found" in _error(capsys, missing, *arguments)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture at all")
    assert f"{broken}: can't be read" in _error(capsys, broken, *arguments)
    other = tmp_path / picture.name
    assert "called test_0" in _error(capsys, picture, other, *arguments)
    assert not (tmp_path / "out").exists()


def test_missing_checkpoint_and_config(tmp_path, arguments, picture, capsys):
    config = arguments[:2]
    missing = tmp_path / "none.safetensors"
    message = _error(capsys, picture, *config, "--weights", missing)
    assert f"{missing}: no such checkpoint" in message
    assert "dvc repro" in message
    assert "belong together" in _error(capsys, picture, *config)
    message = _error(capsys, picture, "--config", missing, "--weights", missing)
    assert f"{missing}: not found" in message
