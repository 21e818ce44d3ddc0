"""The published numbers: whole, consistent with each other, and checked when read."""

import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from benchmarks.proposals import COMPARED
from frcn.errors import UserError
from frcn.report.paper import (
    BEST_FEWER_PROPOSALS,
    MOST_PROPOSALS,
    PROPOSAL_METHODS,
    Claim,
    load_paper,
)
from frcn.timing.measurements import crude_cost
from pipelines.compose import compose_cell, compose_network

CONF = Path(__file__).parents[2] / "conf"


def test_published_effects_follow_the_tables():
    """Every published number of a claim stands in a table too, under the same experiment."""
    paper = load_paper(CONF / "paper")
    quoted = {
        (row.experiment, measure, network): value
        for table in (*paper.tables.values(), paper.systems)
        for row in table.rows
        for measure, values in row.paper.items()
        for network, value in values.items()
    }
    quoted |= {(row.experiment, "map", "M"): row.paper for row in paper.proposals.rows}
    for claim in paper.claims.claims:
        for side, values in ((claim.a, claim.paper.a), (claim.b, claim.paper.b)):
            for network, value in values.items():
                assert quoted[side, claim.metric, network] == value, claim.claim


def test_every_experiment_that_is_named_exists():
    paper = load_paper(CONF / "paper")
    of_cells = [claim for claim in paper.claims.claims if claim.of_cells]
    named = {side for claim in of_cells for side in (claim.a, claim.b)}
    named |= {row.experiment for row in paper.systems.rows}
    named |= {row.experiment for table in paper.tables.values() for row in table.rows}
    named |= {row.experiment for row in paper.proposals.rows}
    named -= {None, MOST_PROPOSALS, BEST_FEWER_PROPOSALS}
    existing = {path.stem for path in (CONF / "experiment").glob("*.yaml")}
    assert named <= existing


def test_the_rows_of_the_minibatch_table_differ_in_the_number_of_images_alone():
    """So they take the same number of steps, as the table's note says."""
    rows = load_paper(CONF / "paper").tables["minibatch"].rows
    trainings = [compose_cell("mini", "XS", row.experiment, CONF).train for row in rows]
    assert [train.sampling.images_per_batch for train in trainings] == [1, 2, 16]
    assert [train.solver.iterations for train in trainings] == [1600] * 3
    dumps = [train.model_dump() for train in trainings]
    for values in dumps:
        del values["sampling"]["images_per_batch"]
    assert dumps[0] == dumps[1] == dumps[2]


def test_published_effects_at_the_papers_scale_follow_the_systems():
    """146 and 8.8 times, and what figure 2 and the slides say of the fc layers."""
    paper = load_paper(CONF / "paper")
    fast = paper.systems.of("fast_rcnn")
    fc = 100 * (fast.phases["fc6"]["L"] + fast.phases["fc7"]["L"])
    wanted = {
        ("timing_test", "rcnn"): fast.speedup["test_seconds"]["L"],
        ("timing_train", "rcnn"): fast.speedup["train_seconds"]["L"],
        ("timing_test", "fast_rcnn_svd"): round(223 / 320, 3),
        ("timing_fc_share", "fast_rcnn"): round(fc / sum(p["L"] for p in fast.phases.values())),
    }
    at_scale = [claim for claim in paper.claims.claims if claim.at_papers_scale]
    claims = [claim for claim in at_scale if claim.metric != "timing_step"]
    assert {(claim.metric, claim.a): claim.paper.effects()["L"] for claim in claims} == wanted
    timed = {row.timed for row in paper.systems.rows}
    assert {side for claim in claims for side in (claim.a, claim.b)} - {None} <= timed


def test_published_costs_of_steps_follow_the_talks_model_and_the_papers_text():
    """12 and 0.19 times R-CNN's pixels; 128 images instead of 2 are 64 times as many.

    The model's 128 crops are those of the networks that it is held against.
    """
    steps = {
        (claim.a, claim.b, network): effect
        for claim in load_paper(CONF / "paper").claims.claims
        if claim.metric == "timing_step"
        for network, effect in claim.paper.effects().items()
    }
    few, many = "fast_rcnn_2_images", "fast_rcnn_128_images"
    like_rcnn = [n for n in ("S", "M", "L") if compose_network(n, CONF).rcnn_batch == 128]
    modelled = {(many, few, "L"): 128 / 2}
    for network in like_rcnn:
        modelled[few, "rcnn", network] = float(f"{crude_cost(2):.2g}")
        modelled[many, "rcnn", network] = float(f"{crude_cost(128):.2g}")
    assert steps == modelled


def test_published_seconds_of_proposals_decide_their_claims():
    paper = load_paper(CONF / "paper")
    claims = [c for c in paper.claims.claims if c.metric == "proposal_seconds"]
    seconds, methods = paper.proposals.seconds, PROPOSAL_METHODS
    published = seconds[methods["selective_search"]] / seconds[methods["edge_boxes"]]
    assert [claim.published for claim in claims] == [published] * 2
    assert {side for claim in claims for side in (claim.a, claim.b)} == methods.keys()
    assert set(methods.values()) <= COMPARED.keys()


@pytest.mark.parametrize(
    ("metric", "side"),
    [
        ("timing_test", "fast_rcnn_2_images"),
        ("timing_step", "fast_rcnn_3_images"),
        ("timing_step", "fast_rcnn"),
        ("proposal_seconds", "edgeboxes"),
    ],
)
def test_a_side_that_a_metric_does_not_know_is_refused(metric, side):
    with pytest.raises(ValidationError, match=f"{side}: {metric} knows"):
        Claim(claim="c", source="s", metric=metric, a=side, b=side, expect="less")


def test_published_speedups_follow_the_published_times():
    """As far as the times are rounded: to tenths of hours, tenths or hundredths of seconds."""
    systems = load_paper(CONF / "paper").systems
    first = systems.rows[0].paper
    for row in systems.rows:
        for measure, networks in row.speedup.items():
            for network, published in networks.items():
                if network not in row.paper.get(measure, {}):
                    continue
                own = row.paper[measure][network]
                half = 180 if measure == "train_seconds" else 0.05 if own > 1 else 0.005
                low, high = (first[measure][network] / (own + side) for side in (half, -half))
                assert 0.99 * low < published < 1.01 * high, (row.setting, measure, network)


def test_the_published_map_is_the_mean_of_the_published_aps():
    main = load_paper(CONF / "paper").main
    assert len(main.ap) == 20
    assert sum(main.ap.values()) / 20 == pytest.approx(main.map, abs=0.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("    expect: greater\n", "    expect: bigger\n"), "expect"),
        (("noise:", "loudness:"), "loudness: unknown key"),
        (("b: {L: 61.4}", "b: {M: 61.4}"), "same networks"),
        (("b: {L: 61.4}", "b: {L: 61.4}, effect: {L: 5.5}"), "or the effect"),
        (("    b: fc_only\n", ""), "every other metric needs one"),
        (("    published: 10\n", "    paper: {effect: {L: 10}}\n"), "give `published`, not"),
        (("    paper: {a: {L: 66.9}, b: {L: 61.4}}\n", "    published: 5.5\n"), "give `paper`"),
    ],
)
def test_a_mistake_names_the_file_and_the_key(tmp_path, change, message):
    folder = Path(shutil.copytree(CONF / "paper", tmp_path / "paper"))
    claims = folder / "claims.yaml"
    assert change[0] in claims.read_text()
    claims.write_text(claims.read_text().replace(*change))
    with pytest.raises(UserError, match=message) as error:
        load_paper(folder)
    assert "claims.yaml" in str(error.value)
