"""The three systems in a profile's own cells: speed-ups worked by hand, phases of the training."""

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.usefixtures("no_charts")

PHASES = {"fine_tune": 60.0, "features": 120.0, "svm": 40.0, "bbox_regressor": 20.0}


@pytest.fixture
def systems(world):
    world.run("rcnn", 55.0, seconds=2.0, train_seconds=240.0, train_phases=PHASES)
    world.run("default", 60.0, seconds=0.02, train_seconds=30.0)
    world.configure("spp_net")
    return world


def test_speedups_are_ratios_of_means_beside_the_published_ones(systems):
    systems.run("default", 60.0, seed=1, seconds=0.03, train_seconds=50.0)
    systems.run("rcnn", 55.0, seed=1, seconds=3.0, train_seconds=280.0, train_phases=PHASES)
    table = pd.read_csv(systems.build(seeds=[0, 1]) / "table_systems.csv").set_index("experiment")
    fast = table.loc["default"]
    # 260 s against 40 s; 2.5 s against 0.025 s.
    assert fast["ours_train_speedup_XS"] == 6.5
    assert fast["ours_test_speedup_XS"] == 100
    assert table.loc["rcnn", ["ours_train_speedup_XS", "ours_test_speedup_XS"]].tolist() == [1, 1]
    assert (fast["paper_train_speedup_L"], fast["paper_test_speedup_L"]) == (8.8, 146)
    assert (fast["paper_train_seconds_L"], fast["paper_test_seconds_L"]) == (9.5 * 3600, 0.32)
    assert table.loc["spp_net", "paper_test_speedup_L"] == 20
    assert np.isnan(table.loc["spp_net", "paper_map_S"])


def test_the_words_have_the_speedup_in_brackets(systems):
    lines = (systems.build() / "table_systems.md").read_text().splitlines()
    rcnn, spp_net, fast = (
        [word.strip() for word in line.split("|")[2:-1]]
        for name in ("R-CNN ", "SPP-net ", "Fast R-CNN ")
        for line in lines
        if line.startswith(f"| {name}")
    )
    assert fast[1:6] == [
        *("9.5 h (×8.8)", "0.32 s (×146)", "66.9"),
        *("30 s (×8)", "0.02 s (×100)"),
    ]
    assert fast[6].startswith("60.0 [")
    assert rcnn[4:6] == ["4 min (×1)", "2 s (×1)"]
    assert spp_net[4:7] == ["not run"] * 3


def test_without_rcnn_there_is_no_speedup(world):
    world.run("default", 60.0)
    out = world.build()
    table = pd.read_csv(out / "table_systems.csv").set_index("experiment")
    assert np.isnan(table.loc["default", "ours_test_speedup_XS"])
    assert table.loc["rcnn", "ours_status_XS"] == "no such cell"
    assert "| 0.02 s |" in " ".join((out / "table_systems.md").read_text().split())


def test_svd_has_no_training_of_its_own(systems):
    systems.run("svd", 59.0)
    (systems.root / "artefacts/mini/train/XS-svd-0/train.json").unlink()
    out = systems.build()
    svd = pd.read_csv(out / "table_systems.csv").set_index("experiment").loc["svd"]
    assert np.isnan(svd["ours_train_seconds_XS"]) and np.isnan(svd["ours_train_speedup_XS"])
    assert svd["ours_map_XS"] == 59.0
    assert "no training of its own" in (out / "table_systems.md").read_text()


def test_training_time_is_split_into_phases(systems):
    out = systems.build()
    table = pd.read_csv(out / "table_training_phases.csv").set_index("experiment")
    phases = [f"ours_{name}_seconds" for name in PHASES]
    assert table.loc["rcnn", [*phases, "ours_train_seconds"]].tolist() == [60, 120, 40, 20, 240]
    # One stage: all of it is fine-tuning.
    assert table.loc["default", "ours_fine_tune_seconds"] == 30
    assert np.isnan(table.loc["default", "ours_svm_seconds"])
    assert "120 s" not in table.index and "spp_net" not in table.index
    text = " ".join((out / "table_training_phases.md").read_text().split())
    assert "| 60 s (25 %) | 2 min (50 %) | 40 s (17 %) | 20 s (8 %) | 4 min |" in text
    assert "| 30 s (100 %) | – | – | – | 30 s |" in text


def test_trainings_in_a_single_phase_have_no_table_of_phases(world):
    world.run("default", 60.0)
    assert not list(world.build().glob("table_training_phases*"))


def test_images_per_mini_batch_stand_side_by_side(world):
    world.run("default", 60.0)
    world.run("images_16", 61.0, train_seconds=90.0)
    table = pd.read_csv(world.build() / "table_minibatch.csv").set_index("experiment")
    assert table.index.tolist() == ["images_1", "default", "images_16"]
    assert table.loc["images_16", ["ours_map_XS", "ours_train_seconds_XS"]].tolist() == [61, 90]
    assert table.loc["images_1", "ours_status_XS"] == "no such cell"
    assert not [column for column in table if column.startswith("paper")]


def test_the_papers_own_networks_stand_beside_its_numbers_of_them(make_world):
    world = make_world("voc07")
    for network in ("S", "L"):
        world.run("default", 60.0, network=network)
    header = (world.build() / "table_systems.md").read_text().splitlines()[2]
    assert "paper S: mAP" in header and "paper L: mAP" in header and "paper M" not in header
    # Programs find all.
    assert "paper_map_M" in pd.read_csv(world.out / "table_systems.csv")
