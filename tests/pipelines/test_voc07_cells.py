"""Whence the cells of voc07 have their weights: every parent is what some stage makes."""

from pathlib import Path

import pytest
import yaml

from pipelines.cells import cells_text

CONF = Path(__file__).parents[2] / "conf"
NETWORKS = ("S", "M", "L")
SEEDS = (0, 2)
TRAINED_ELSEWHERE = {
    "svd": "default",
    "svm": "default",
    "multitask_no_bbox_reg": "default",
    "piecewise": "no_bbox_reg",
    "dense_only_svm": "dense_only",
}
"""The experiments that start from another's weights (FACTS §1.9; paper §5.5)."""
TESTED_ONLY = ("svd", "multitask_no_bbox_reg", "published")


@pytest.fixture(scope="module")
def plan() -> dict:
    return yaml.safe_load(cells_text(["voc07"], list(SEEDS), CONF))


def trained(cell: str, seed: int) -> str:
    return f"artefacts/voc07/train/{cell}-{seed}/weights.safetensors"


def split(run: dict) -> tuple[str, str, int]:
    network, _, experiment = run["cell"].partition("-")
    return network, experiment, run["seed"]


def test_every_cell_starts_from_the_right_weights(plan):
    for run in plan["train"].values():
        network, experiment, seed = split(run)
        if experiment in TRAINED_ELSEWHERE:
            assert run["parent"] == trained(f"{network}-{TRAINED_ELSEWHERE[experiment]}", seed)
        else:
            pooling = "pyramid" if experiment == "spp_net" else "grid"
            assert run["parent"] == f"artefacts/backbone/{network}-{pooling}.safetensors"


def test_every_cell_is_tested_with_the_right_weights(plan):
    for run in plan["detect"].values():
        network, experiment, seed = split(run)
        if experiment == "published":
            assert run["weights"] == f"artefacts/published/{network}.safetensors"
        elif experiment in TESTED_ONLY:
            assert run["weights"] == trained(f"{network}-default", seed)
        else:
            assert run["weights"] == trained(run["cell"], seed)


def test_stages_make_all_weights_that_others_start_from(plan):
    made = {f"artefacts/backbone/{key}.safetensors" for key in plan["backbones"]}
    made |= {f"artefacts/published/{network}.safetensors" for network in plan["published"]}
    made |= {trained(run["cell"], run["seed"]) for run in plan["train"].values()}
    used = {run["parent"] for run in plan["train"].values()}
    used |= {run["weights"] for run in plan["detect"].values()}
    assert used == made


def test_what_is_trained_and_tested(plan):
    assert plan["backbones"] == {
        f"{network}-grid": {"network": network, "pooling": "grid"} for network in NETWORKS
    } | {"L-pyramid": {"network": "L", "pooling": "pyramid"}}
    assert plan["published"] == {network: {"network": network} for network in NETWORKS}
    tested_only = {split(plan["detect"][key])[1] for key in plan["detect"].keys() - plan["train"]}
    assert tested_only == set(TESTED_ONLY)
    for network in NETWORKS:
        for seed in SEEDS:
            assert f"voc07-{network}-published-{seed}" in plan["detect"]
    systems = {run["system"] for run in plan["detect"].values()}
    assert systems == {"fast_rcnn", "rcnn", "spp_net"}


def test_other_profiles_need_no_published_detector():
    plan = yaml.safe_load(cells_text(["mini", "bccd"], [0], CONF))
    assert plan["published"] == {}
    assert set(plan["backbones"]) == {"XS-grid", "XS-pyramid"}
