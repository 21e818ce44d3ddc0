"""VOC result files: the round trip, salts, rounding, and one clear error for each fault."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frcn.errors import UserError
from frcn.evaluation.result_files import (
    COLUMNS,
    find_image_set,
    find_result_files,
    read_result_files,
    write_result_files,
)

_float32 = st.floats(-1000, 1000, width=32)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["000001", "2008_000002"]),
            st.sampled_from(["cat", "emu"]),
            st.floats(-50, 50, width=32),
            st.tuples(_float32, _float32, _float32, _float32),
        ),
        max_size=6,
    )
)
def test_reading_gives_what_was_written(tmp_path, make_detections, rows):
    detections = make_detections(*rows)
    write_result_files(detections, ["cat", "dog", "emu"], "test", tmp_path)
    assert list(find_result_files(tmp_path, "test")) == ["cat", "dog", "emu"]
    classes = ["emu", "dog", "cat"]
    back = read_result_files(tmp_path, "test", ["000001", "2008_000002"], classes)
    by_class = [detections[detections["class"] == name] for name in classes]
    expected = pd.concat(by_class, ignore_index=True)
    numbers = list(COLUMNS[2:])
    assert (
        back[["image_id", "class"]].values.tolist()
        == expected[["image_id", "class"]].values.tolist()
    )
    assert np.array_equal(back["score"], expected["score"].astype(np.float64))
    # Only the shift by 1 rounds, in double precision.
    assert np.allclose(back[numbers], expected[numbers], rtol=0, atol=1e-12)


def test_lines_are_one_based_and_rounded_on_request(tmp_path, make_detections):
    detections = make_detections(("000001", "cat", 0.0004, (0, 10.25, 99.99, 20)))
    path = tmp_path / "comp4_det_test_cat.txt"
    write_result_files(detections, ["cat"], "test", tmp_path, faithful_rounding=True)
    assert path.read_text() == "000001 0.000 1.0 11.2 101.0 21.0\n"
    write_result_files(make_detections(("1", "cat", 0.5, (0, 1, 2, 3))), ["cat"], "test", tmp_path)
    assert path.read_text() == "1 0.5 1.0 2.0 3.0 4.0\n"


def _write(folder, name, text="000001 0.5 1 1 10 10\n"):
    (folder / name).write_text(text)


@pytest.mark.parametrize("salt", ["", "-4711", "_4711", "-1b4e28ba-2fa1-11d2-883f-b9a761bde3fb"])
def test_salts_are_passed_over(tmp_path, salt):
    _write(tmp_path, f"comp4{salt}_det_07test_cat.txt")
    _write(tmp_path, "notes.txt")
    assert find_image_set(tmp_path) == "07test"
    rows = read_result_files(tmp_path, "07test", ["000001"], ["cat"])
    assert rows.values.tolist() == [["000001", "cat", 0.5, 0, 0, 9, 9]]


def test_a_set_with_an_underscore_works_when_given(tmp_path):
    _write(tmp_path, "comp4_det_my_test_traffic_light.txt")
    assert list(find_result_files(tmp_path, "my_test")) == ["traffic_light"]


def test_an_empty_file_is_a_class_without_detections(tmp_path):
    _write(tmp_path, "comp4_det_test_cat.txt", "\n")
    assert read_result_files(tmp_path, "test", ["000001"], ["cat"]).empty


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("000001 0.5 1 1 10", "line 2: found 5 fields, wanted 6"),
        ("000001 0.5 1 1 10 10 10", "line 2: found 7 fields, wanted 6"),
        ("000001 high 1 1 10 10", "line 2: found 'high 1 1 10 10', wanted five finite numbers"),
        ("000001 nan 1 1 10 10", "line 2: found 'nan 1 1 10 10', wanted five finite numbers"),
        ("000001 0.5 1 1 inf 10", "line 2: found '0.5 1 1 inf 10', wanted five finite numbers"),
        ("000009 0.5 1 1 10 10", "line 2: image '000009' isn't in the set 'test'"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, line, message):
    good = "000001 0.5 1 1 10 10\n"
    _write(tmp_path, "comp4_det_test_cat.txt", f"{good}{line}\n{good}")
    with pytest.raises(UserError, match=f"comp4_det_test_cat.txt, {message}"):
        read_result_files(tmp_path, "test", ["000001"], ["cat"])


def test_a_binary_file_is_named(tmp_path):
    (tmp_path / "comp4_det_test_cat.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"comp4_det_test_cat.txt: not a text file"):
        read_result_files(tmp_path, "test", ["000001"], ["cat"])


def test_a_missing_class_is_named(tmp_path):
    _write(tmp_path, "comp4_det_test_cat.txt")
    with pytest.raises(UserError, match=r"'dog'; wanted comp4_det_test_dog.txt"):
        read_result_files(tmp_path, "test", ["000001"], ["cat", "dog"])


def test_two_files_of_a_class_are_refused(tmp_path):
    _write(tmp_path, "comp4-1_det_test_cat.txt")
    _write(tmp_path, "comp4-2_det_test_cat.txt")
    with pytest.raises(UserError, match=r"comp4-1_det_test_cat.txt and comp4-2_det_test_cat.txt"):
        find_result_files(tmp_path, "test")


def test_the_set_must_be_clear(tmp_path):
    with pytest.raises(UserError, match="no result file"):
        find_image_set(tmp_path)
    _write(tmp_path, "comp4_det_test_cat.txt")
    _write(tmp_path, "comp4_det_val_cat.txt")
    with pytest.raises(UserError, match=r"\['test', 'val'\]"):
        find_image_set(tmp_path)
    with pytest.raises(UserError, match="no file comp4_det_train_<class>"):
        find_result_files(tmp_path, "train")
    with pytest.raises(UserError, match="not a folder"):
        find_image_set(tmp_path / "nowhere")
