"""Tables: every number from the artefacts, "not run" where there are none."""

import re

import numpy as np
import pandas as pd
import pytest

from frcn.report.table import count, markdown_table, seconds, signed

pytestmark = pytest.mark.usefixtures("no_charts")

PROPOSAL_TIMES = """\
profile,pictures,width,method,seconds,seconds_of_pictures,boxes,recall_50,recall_70,average_recall,machine,opencv,date
mini,12,500,"selective search, fast",0.1163,0.1163 0.1163,1311.4,95.8,70.5,56.8,A CPU,5.0,2026-01-02
mini,12,500,"OpenCV's selective search, fast",1.25,1.25 1.25,905,85.3,50.3,,A CPU,5.0,2026-01-02
mini,12,500,"EdgeBoxes, gradient",0.4,0.4 0.4,2000,93.8,66.8,50.9,A CPU,5.0,2026-01-02
mini,2,1000,"selective search, fast",0.5,0.5 0.5,2003,96.4,73.2,57.5,A CPU,5.0,2026-01-02
mini,2,1000,"OpenCV's selective search, fast",9,9 9,1425,87.1,53.3,45.3,A CPU,5.0,2026-01-02
mini,2,1000,"EdgeBoxes, gradient",2.25,2.25 2.25,2000,94.1,67.0,51.2,A CPU,5.0,2026-01-02
"""


def test_a_row_has_the_papers_numbers_beside_ours(world):
    world.run("default", 60.0)
    world.run("no_bbox_reg", 55.0)
    out = world.build()
    table = pd.read_csv(out / "table_multitask.csv").set_index("experiment")
    assert table.loc["no_bbox_reg", ["paper_map_S", "paper_map_M", "paper_map_L"]].tolist() == [
        52.2,
        54.7,
        62.6,
    ]
    assert table.loc["no_bbox_reg", "ours_map_XS"] == 55.0
    assert table.loc["default", "ours_map_XS"] == 60.0
    assert table.loc["default", "ours_n_XS"] == 1
    samples = np.load(world.root / "artefacts/mini/score/XS-default-0/bootstrap.npy")
    low, high = np.percentile(samples, [2.5, 97.5])
    np.testing.assert_allclose(
        table.loc["default", ["ours_map_low_XS", "ours_map_high_XS"]].astype(float),
        [low, high],
        atol=1e-6,
    )


def test_a_configured_cell_without_artefacts_is_not_run(world):
    world.run("default", 60.0)
    world.configure("piecewise")
    out = world.build()
    table = pd.read_csv(out / "table_multitask.csv").set_index("experiment")
    assert np.isnan(table.loc["piecewise", "ours_map_XS"])
    assert table.loc["piecewise", "ours_n_XS"] == 0
    assert table.loc["piecewise", "ours_status_XS"] == "not run"
    assert table.loc["no_bbox_reg", "ours_status_XS"] == "no such cell"
    line = _line(out / "table_multitask.md", "piecewise")
    assert line.rstrip("| ").endswith("not run")


def test_numeric_columns_stay_numeric_when_cells_are_missing(world):
    world.run("default", 60.0)
    world.configure("svd")
    out = world.build()
    for path in out.glob("table_*.csv"):
        table = pd.read_csv(path)
        words = {"scheme", "setting", "experiment", "class", "network", "system"}
        numbers = [c for c in table if c not in words and "status" not in c]
        assert all(pd.api.types.is_numeric_dtype(table[c]) for c in numbers), path.name


def test_a_result_that_is_gone_leaves_no_old_number(world):
    world.run("default", 60.0)
    world.run("fc_only", 33.3)
    out = world.build()
    assert "33.3" in (out / "table_layers.md").read_text()
    (world.root / "artefacts/mini/score/XS-fc_only-0/score.json").unlink()
    world.build()
    text = "".join(path.read_text() for path in out.glob("*.*"))
    # A coordinate of a drawing may be the same number.
    assert "33.3" not in re.sub(r'=\\?"[^"]*"', "", text)
    assert "not run" in _line(out / "table_layers.md", "fc_only")


def test_several_seeds_give_mean_deviation_and_n(world):
    for seed, value in enumerate([60.0, 61.0, 65.0]):
        world.run("default", value, seed)
    world.run("fc_only", 50.0, 1)
    out = world.build(seeds=[0, 1, 2])
    table = pd.read_csv(out / "table_layers.csv").set_index("experiment")
    assert table.loc["default", "ours_map_XS"] == 62.0
    # Deviations -2, -1, 3: the squares sum to 14, over n - 1 = 2.
    np.testing.assert_allclose(table.loc["default", "ours_map_sd_XS"], 7**0.5, atol=1e-6)
    assert table.loc["default", "ours_n_XS"] == 3
    assert "62.0 ± 2.6 [" in _line(out / "table_layers.md", "default")
    assert table.loc["fc_only", "ours_status_XS"] == "1 of 3 seeds"
    assert "(1 of 3 seeds)" in _line(out / "table_layers.md", "fc_only")
    assert np.isnan(table.loc["fc_only", "ours_map_sd_XS"])


def test_seeds_that_were_not_asked_for_are_ignored(world):
    world.run("default", 60.0, seed=0)
    world.run("default", 90.0, seed=5)
    cells = pd.read_csv(world.build(seeds=[0]) / "cells.csv")
    assert cells["map_11pt"].tolist() == [60.0]


def test_cells_csv_has_a_row_per_run_and_the_published_columns(world):
    world.run("default", 60.0)
    world.configure("fc_only")
    cells = pd.read_csv(world.build() / "cells.csv").set_index("experiment")
    assert ",".join(cells) == (
        "profile,network,seed,map_11pt,map_area,ap_fish,ap_kite,recall_50,average_recall,"
        "proposals_per_image,train_seconds,test_seconds_per_image,n_test_images,fingerprint"
    )
    assert cells.loc["default", "ap_fish"] == 65.0
    assert cells.loc["default", "train_seconds"] == 30.0
    assert cells.loc["fc_only", "fingerprint"] == "not run"
    assert np.isnan(cells.loc["fc_only", "map_11pt"])


def test_fingerprint_changes_with_the_score_and_not_with_the_seconds(world):
    def fingerprint():
        return pd.read_csv(world.build() / "cells.csv")["fingerprint"][0]

    world.run("default", 60.0, seconds=0.02)
    first = fingerprint()
    world.run("default", 60.0, seconds=0.03)
    assert fingerprint() == first
    world.run("default", 60.5)
    assert fingerprint() != first


def test_main_table_has_the_published_aps_only_for_the_same_classes(world):
    world.run("default", 60.0)
    out = world.build()
    table = pd.read_csv(out / "table_main.csv").set_index("class")
    assert not [column for column in table if column.startswith("paper")]
    assert table["ours_ap_XS"].to_dict() == {"fish": 65.0, "kite": 55.0, "mAP": 60.0}


def test_the_authors_own_detectors_stand_beside_ours_in_voc07_alone(make_world):
    world = make_world("voc07")
    world.run("default", 66.1, network="L")
    world.run("published", 66.8, network="L")
    table = pd.read_csv(world.build() / "table_published.csv").set_index("experiment")
    assert table["paper_map_L"].tolist() == [66.9, 66.9]
    assert table.loc[["default", "published"], "ours_map_L"].tolist() == [66.1, 66.8]
    other = make_world("mini")
    other.run("default", 60.0)
    assert not (other.build() / "table_published.csv").exists()


def test_main_table_of_voc07_stands_beside_the_paper(make_world):
    world = make_world("voc07")
    world.run("default", 66.0, network="L")
    table = pd.read_csv(world.build() / "table_main.csv").set_index("class")
    assert table.loc["mAP", "paper_ap_L"] == 66.9
    assert table.loc["mAP", "ours_ap_L"] == 66.0


def test_a_class_without_an_svm_is_named_and_counts_as_zero(world):
    """Training has 40 fish and no kite; the evaluation gave kite's undetected objects AP 0."""
    world.run("default", 60.0)
    world.run("rcnn", 35.0, ap={"fish": 70.0, "kite": 0.0}, positives=[40, 0])
    world.run("spp_net", 50.0, positives=[40, 1])
    out = world.build()
    table = pd.read_csv(out / "table_main.csv").set_index("class")
    assert table["ours_ap_rcnn_XS"].to_dict() == {"fish": 70.0, "kite": 0.0, "mAP": 35.0}
    assert table["ours_ap_spp_net_XS"].to_dict() == {"fish": 55.0, "kite": 45.0, "mAP": 50.0}
    cells = [cell.strip() for cell in _line(out / "table_main.md", "kite").split("|")[1:-1]]
    assert cells == ["kite", "55.0", "no SVM", "45.0"]
    note = (
        "No SVM, because the training split has no object of the class: kite of XS-rcnn. AP of "
        "such a class counts as 0 in mAP."
    )
    # Wherever the mAP stands; the rest of the tables are of seconds and boxes.
    for name in ("main", "systems", "multitask"):
        assert note in (out / f"table_{name}.md").read_text()


def test_a_class_that_the_test_split_lacks_counts_nowhere(world):
    world.run("svm", 70.0, ap={"fish": 70.0, "kite": None}, positives=[40, 0])
    world.run("default", 60.0)
    out = world.build()
    assert _line(out / "table_main.md", "kite").rstrip("| ").endswith("no object")
    assert "no svm" not in (out / "table_main.md").read_text().lower()


def test_proposals_table_joins_map_and_recall(world):
    world.run("proposals_2k", 60.0, proposals=400)
    world.run("dense_45k", 50.0, proposals=9000)
    table = pd.read_csv(world.build() / "table_proposals.csv").set_index("experiment")
    assert table.loc["dense_45k", "paper_map_M"] == 53.0
    assert table["ours_map"].dropna().to_dict() == {"proposals_2k": 60.0, "dense_45k": 50.0}
    assert table["ours_boxes_per_image"].dropna().tolist() == [400, 9000]
    assert table["ours_average_recall"].dropna().tolist() == [12.0, 55.0]
    assert table.loc["proposals_1k", "ours_status"] == "no such cell"


def test_recall_table_has_the_test_splits_groups(world):
    world.write_data()
    world.run("default", 60.0)
    out = world.build()
    table = pd.read_csv(out / "table_recall.csv", dtype={"count": str})
    assert set(table["group"]) == {"all", "fish", "kite", "medium"}
    everything = table[table["count"] == "all"].set_index("group")
    assert everything["objects"].to_dict() == {"all": 12, "fish": 6, "kite": 6, "medium": 12}
    # The proposals are the objects.
    assert (everything["average_recall"] == 100).all()
    assert "| selective_search | all " in (out / "table_recall.md").read_text()


@pytest.fixture
def proposal_times(world):
    """The file that benchmarks/proposals.py leaves."""
    path = world.root / "benchmarks/results/proposals-mini.csv"
    path.parent.mkdir(parents=True)
    path.write_text(PROPOSAL_TIMES)
    return path


def test_proposal_times_stand_beside_the_papers(world, proposal_times):
    world.run("default", 60.0)
    out = world.build()
    table = pd.read_csv(out / "table_proposal_time.csv").set_index(["width", "method"])
    assert table.loc[(500, "selective search, fast"), "seconds"] == 0.1163
    assert table.loc[(500, "selective search, fast"), "paper_seconds"] == 2
    assert table.loc[(1000, "EdgeBoxes, gradient"), "average_recall"] == 51.2
    assert table.loc[(1000, "EdgeBoxes, gradient"), "paper_seconds"] == 0.2
    path = out / "table_proposal_time.md"
    rows = {
        method: [word.strip() for word in _line(path, method).split("|")[2:-1]]
        for method in ("selective search, fast", "OpenCV's selective search, fast")
    }
    assert rows["selective search, fast"] == [
        *("2", "0.116", "1311", "95.8 / 70.5 / 56.8"),
        *("0.5", "2003", "96.4 / 73.2 / 57.5"),
    ]
    assert rows["OpenCV's selective search, fast"][:4] == ["–", "1.25", "905", "85.3 / 50.3 / –"]
    text = path.read_text()
    assert "12 at 500 px, 2 at 1000 px" in text
    assert "One thread of A CPU, OpenCV 5.0, 2026-01-02" in text
    assert 'id="table-proposal_time"' in (out / "report.html").read_text()


def test_without_the_benchmark_there_are_no_proposal_times(world, proposal_times):
    world.run("default", 60.0)
    assert list(world.build().glob("table_proposal_time*"))
    proposal_times.unlink()
    assert not list(world.build().glob("table_proposal_time*"))


def test_footnote_counts_what_was_skipped(world):
    world.write_data(skipped=2)
    world.run("default", 60.0)
    assert "annotation is invalid: 2." in (world.build() / "table_main.md").read_text()


def test_without_data_the_footnote_says_that_the_count_is_unknown(world):
    world.run("default", 60.0)
    assert "no manifest" in (world.build() / "table_main.md").read_text()


def test_only_the_papers_own_data_may_be_compared_in_height(world, make_world):
    world.run("default", 60.0)
    assert "Only the directions" in (world.build() / "table_layers.md").read_text()
    voc = make_world("voc07")
    voc.run("default", 60.0, network="L")
    assert "Only the directions" not in (voc.build() / "table_layers.md").read_text()


def test_markdown_is_padded_and_escaped():
    assert markdown_table(["a|b", "n"], [["x", "1.0"]], ["a|b"]) == (
        "| a\\|b |   n |\n|------|----:|\n| x    | 1.0 |"
    )


def test_numbers_for_the_eye():
    assert seconds(0.0123456) == "0.0123 s"
    assert seconds(30) == "30 s"
    assert seconds(34200) == "9.5 h"
    assert seconds(None) == "–"
    assert signed(-0.3) == "−0.3"
    assert count(1_500_000) == "1.50 M"


def _line(path, experiment):
    return next(line for line in path.read_text().splitlines() if f"| {experiment} " in line)
