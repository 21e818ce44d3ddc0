"""The schema of the stage's file, its reader, and the summaries."""

import json
import subprocess
import sys

import pytest

from frcn.errors import UserError
from frcn.timing import crude_cost, iqr, load, median

VALUES = {
    "network": "L",
    "device": "a processor",
    "threads": 2,
    "precision": "float32",
    "torch": "2.15.0",
    "product": {"side": 2000, "seconds": [0.25, 0.5]},
    "image": [600, 800],
    "rois": 2000,
    "unique_rois": 1500,
    "rows": [
        {
            "system": "fast_rcnn",
            "phase": "conv",
            "seconds": [1.5, 1.25],
            "extrapolated": False,
            "multiply_adds": 150,
            "note": "",
        },
        {
            "system": "rcnn",
            "phase": "training",
            "seconds": [1e6],
            "extrapolated": True,
            "multiply_adds": None,
        },
    ],
    "steps": [{"images": 2, "seconds": [3.0], "extrapolated": False, "multiply_adds": 9}],
}


def write(path, **changes):
    path.write_text(json.dumps(VALUES | changes))
    return path


def test_reads_what_the_stage_writes(tmp_path):
    timing = load(write(tmp_path / "L.json"))
    assert timing.image == (600, 800)
    assert timing.rows[0].seconds == [1.5, 1.25]
    assert timing.rows[1].note == ""
    assert timing.steps[0].images == 2
    # 8 G multiply-adds in the faster quarter of a second.
    assert timing.product.rate == 32e9


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"precision": "float16"}, "precision"),
        ({"rows": []}, "rows"),
        ({"rows": [VALUES["rows"][0] | {"seconds": []}]}, r"rows\.0\.seconds"),
        ({"rows": [VALUES["rows"][0] | {"seconds": [1.0, -1.0]}]}, r"rows\.0\.seconds\.1"),
        ({"rows": [VALUES["rows"][0] | {"phase": "nms"}]}, r"rows\.0\.phase"),
        ({"product": {"side": 0, "seconds": [1.0]}}, r"product\.side"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_values_are_told_with_file_key_and_remedy(tmp_path, changes, told):
    path = write(tmp_path / "L.json", **changes)
    with pytest.raises(UserError, match=rf"{path}.*at {told}: .*Delete the file; `dvc repro"):
        load(path)


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(UserError, match=r"L\.json: not found\. `dvc repro`"):
        load(tmp_path / "L.json")
    (tmp_path / "L.json").write_text("{")
    with pytest.raises(UserError, match=r"L\.json: not valid JSON"):
        load(tmp_path / "L.json")


def test_summaries():
    assert median([4.0, 1.0, 2.0]) == 2
    # Quartiles of 1…5 are 2 and 4.
    assert iqr([5.0, 1.0, 4.0, 2.0, 3.0]) == 2
    assert iqr([7.0]) == 0


def test_the_talks_cost_model():
    assert crude_cost(128) == pytest.approx(11.96, abs=0.01)  # the talk rounds to 12
    assert crude_cost(2) == pytest.approx(0.187, abs=0.001)  # and to 0.19


def test_the_reader_needs_no_torch():
    code = "import sys, frcn.timing; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
