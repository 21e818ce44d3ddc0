"""The measurements at the paper's scale: medians, ratios and marks, worked by hand."""

from pathlib import Path

import pandas as pd
import pytest

from frcn.errors import UserError
from frcn.report.paper import load_paper
from frcn.report.timing import read_timings
from frcn.report.timing_figure import timing

PAPER = Path(__file__).parents[2] / "conf" / "paper"

pytestmark = pytest.mark.usefixtures("no_charts")


@pytest.fixture
def timed(world):
    world.run("default", 60.0)
    world.write_timing()
    return world


def _lines(path):
    """The cells of each row of a Markdown table, by its second cell."""
    rows = [line for line in path.read_text().splitlines() if line.startswith("| ")]
    words = [[word.strip() for word in row.split("|")[1:-1]] for row in rows]
    return {row[1]: row for row in words}


def test_without_measurements_there_is_nothing_of_them(world):
    world.run("default", 60.0)
    out = world.build()
    assert not list(out.glob("*timing*")) and not list(out.glob("table_sgd_steps*"))


def test_timing_csv_has_a_row_per_phase_and_the_published_columns(timed):
    # Of 1, 2, 3, 4, 10 the median is 3 and the quartiles are 2 and 4.
    timed.write_timing(rows=[timed.timing_row("fast_rcnn", "conv", 1, 10, 2, 4, 3)])
    frame = pd.read_csv(timed.build() / "timing.csv")
    assert ",".join(frame) == (
        "system,network,phase,device,precision,seconds_median,seconds_iqr,extrapolated"
    )
    assert frame.iloc[0].tolist() == [
        *("fast_rcnn", "L", "conv", "A processor", "float32"),
        *(3, 2, False),
    ]


def test_all_networks_are_read_smallest_first(timed):
    timed.write_timing("S")
    frame = pd.read_csv(timed.build() / "timing.csv")
    assert frame["network"].drop_duplicates().tolist() == ["S", "L"]
    assert frame.loc[frame["extrapolated"], "system"].unique().tolist() == ["rcnn"]


def test_ratios_and_published_seconds_stand_beside_ours(timed):
    table = pd.read_csv(timed.build() / "table_timing.csv").set_index("system")
    fast = table.loc["fast_rcnn"]
    # 200 s against 2 s; 720,000 s against 180,000 s.
    assert (fast["ours_test_speedup"], fast["paper_test_speedup"]) == (100, 146)
    assert (fast["ours_train_speedup"], fast["paper_train_speedup"]) == (4, 8.8)
    assert (fast["ours_fc6_seconds"], fast["paper_fc6_seconds"]) == (0.8, 0.122)
    assert (fast["ours_step_seconds"], fast["ours_training_seconds"]) == (4.5, 180000)
    assert table["ours_total_extrapolated"].to_dict() == {
        "rcnn": True,
        "spp_net": False,
        "fast_rcnn": False,
        "fast_rcnn_svd": False,
    }


def test_the_words_mark_what_is_extrapolated(timed):
    path = timed.build() / "table_timing.md"
    lines = _lines(path)
    assert lines["R-CNN"] == [
        *("L", "R-CNN", "47 s (×1)", "≈ 200 s (×1)"),
        *("≈ 198 s", "–", "≈ 0.8 s", "≈ 0.2 s", "≈ 1 s"),
        *("≈ 100 s", "84.0 h (×1)", "≈ 200.0 h (×1)"),
    ]
    assert lines["Fast R-CNN"][2:5] == ["0.32 s (×146)", "2 s (×100)", "0.8 s / 0.146 s"]
    assert lines["Fast R-CNN"][-2:] == ["9.5 h (×8.8)", "50.0 h (×4)"]
    assert lines["SPP-net"][-3:] == ["–", "25.0 h (×3.4)", "–"]
    text = path.read_text()
    assert "A processor, 2 threads, float32, torch 2.0" in text and "; 3 repeats." in text
    assert (
        "L, ≈ is extrapolated from a smaller measurement. R-CNN: from 64 crops of 2000.\n" in text
    )


def test_a_note_says_of_which_phases_the_ratio_is_made(timed):
    """conv 198 / 0.8 s, fc 1 / 1 s: 247.5 × 40 % + 1 × 50 % + the rest is 200 / 2 s."""
    text = (timed.build() / "table_timing.md").read_text()
    assert (
        "R-CNN takes ×100 of Fast R-CNN's pass, ×248 of its conv (40 % of it) and ×1 of its fc6 "
        "and fc7 (50 % of it). On the paper's GPU conv was 46 % and fc6 and fc7 45 %"
    ) in text


def test_a_part_of_the_measurements_is_shown_as_far_as_it_goes(timed):
    timed.write_timing(rows=[timed.timing_row("fast_rcnn", "total", 2.0)])
    out = timed.build()
    lines = _lines(out / "table_timing.md")
    assert "R-CNN" not in lines
    assert lines["Fast R-CNN"][3] == "2 s"
    text = (out / "table_timing.md").read_text()
    assert "≈" not in text and "R-CNN takes" not in text


def test_cost_of_a_step_by_images(timed):
    out = timed.build()
    table = pd.read_csv(out / "table_sgd_steps.csv").set_index("images")
    assert table["ours_step_ratio"].to_dict() == {1: 0.01, 2: 0.02, 16: 0.12, 128: 1}
    assert table["ours_multiply_adds_ratio"].tolist() == pytest.approx(
        [1 / 128, 1 / 64, 1 / 8, 1], abs=1e-6
    )
    assert table["ours_extrapolated"].tolist() == [False, False, False, True]
    lines = _lines(out / "table_sgd_steps.md")
    assert lines["2"][2:6] == ["5 s [0 s]", "×0.02", "2,000 G", "×0.0156"]
    assert lines["2"][-1] == "×0.19"
    assert lines["128"][2:4] == ["≈ 250 s [0 s]", "×1"]


def test_without_the_step_of_128_images_there_is_no_ratio(timed):
    step = {"images": 2, "seconds": [5.0], "extrapolated": False, "multiply_adds": 2e12}
    timed.write_timing(steps=[step])
    out = timed.build()
    assert _lines(out / "table_sgd_steps.md")["2"][2:6] == ["5 s", "–", "2,000 G", "–"]
    assert pd.read_csv(out / "table_sgd_steps.csv")["ours_step_ratio"].isna().all()


def test_a_step_is_held_to_its_multiply_adds_at_the_devices_rate(timed):
    """1000³ multiply-adds in 2 ms at best: 500 G a second, so 2 s for each image."""
    out = timed.build()
    table = pd.read_csv(out / "table_sgd_steps.csv").set_index("images")
    assert table["ours_floor_seconds"].to_dict() == {1: 2, 2: 4, 16: 32, 128: 256}
    assert table["ours_step_floor_ratio"].tolist() == [1.25, 1.25, 0.9375, 0.976562]
    lines = _lines(out / "table_sgd_steps.md")
    assert lines["2"][6] == "4 s (×1.25)"
    assert lines["128"][6] == "256 s (≈ ×0.977)"
    text = (out / "table_sgd_steps.md").read_text()
    assert (
        "- L: 500 G multiply-adds a second, the fastest of 3 products of two 1000 × 1000 matrices "
        "in float32.\n"
    ) in text


def test_multiply_adds_of_small_steps_have_three_digits(timed):
    step = {"images": 2, "seconds": [0.04], "extrapolated": False, "multiply_adds": 884_834_304}
    timed.write_timing("XS", steps=[step])
    lines = _lines(timed.build() / "table_sgd_steps.md")
    assert lines["1"][4] == "1,000 G"
    text = (timed.build() / "table_sgd_steps.md").read_text()
    assert "0.885 G" in text


@pytest.mark.parametrize("factor", [1, 0.001])
def test_seconds_on_the_charts_axis_are_plain_numbers(timed, factor):
    """Of 2 s to 200 s and of 2 ms to 200 ms: no powers, and labels within every decade."""
    systems = {"fast_rcnn": 2.0, "spp_net": 40.0, "rcnn": 200.0}
    phases = {"conv": 0.4, "fc6": 0.4, "fc7": 0.2, "total": 1.0}
    rows = [
        timed.timing_row(system, phase, factor * seconds * share)
        for system, seconds in systems.items()
        for phase, share in phases.items()
    ]
    timed.write_timing(rows=rows)
    (measured,) = read_timings(timed.root / "artefacts" / "timing")
    figure = timing(measured, load_paper(PAPER).systems).figure
    figure.draw_without_rendering()
    axis = figure.axes[1].xaxis
    low, high = axis.get_view_interval()
    wanted = [a * 10.0**n for n in range(-4, 5) for a in (1, 2, 5)]
    labels = [tick.label1.get_text() for tick in axis.get_major_ticks()]
    shown = [float(text.replace(",", "")) for text in labels if text]
    assert [x for x in shown if low <= x <= high] == pytest.approx(
        [x for x in wanted if low <= x <= high]
    )
    assert not any(tick.label1.get_text() for tick in axis.get_minor_ticks())


def test_damaged_measurements_name_the_file(timed):
    timed.write_timing(rois="many")
    with pytest.raises(UserError, match=r"timing/L\.json[\s\S]*rois"):
        timed.build()
