"""Where a claim's verdict comes from: the command that regenerates it, and its runs in MLflow."""

import pandas as pd
import pytest
from markupsafe import escape

pytestmark = pytest.mark.usefixtures("no_charts")

LAYERS = "Fine-tuning the conv layers helps"
MORE_PROPOSALS = "More proposals do not help (most against the best smaller count)"
TIMED_TEST = "Fast R-CNN is faster than R-CNN at test time (times faster, paper's scale)"


def _claims(world, seeds=(0,)):
    out = world.build(seeds)
    return pd.read_csv(out / "claims.csv", keep_default_na=False).set_index("claim")


def test_the_command_names_the_scores_of_both_cells_and_all_seeds(world):
    for seed in (0, 1):
        world.run("default", 60.0, seed)
    world.run("fc_only", 50.0, 0)
    row = _claims(world, seeds=(0, 1)).loc[LAYERS]
    assert row.command == (
        'make reproduce PROFILE=mini ONLY="score@mini-XS-default-0 score@mini-XS-default-1 '
        'score@mini-XS-fc_only-0 score@mini-XS-fc_only-1"'
    )
    # What was not run is not in MLflow.
    assert row.mlflow_runs == "XS-default-0 XS-default-1 XS-fc_only-0"
    assert row.mlflow_experiment == "frcn-mini"


def test_all_counts_decide_which_of_the_smaller_ones_is_the_best(world):
    for experiment, proposals in (("1k", 50), ("2k", 100), ("10k", 200)):
        world.run(f"proposals_{experiment}", 60.0, proposals=proposals)
    row = _claims(world).loc[MORE_PROPOSALS]
    assert row.mlflow_runs == "XS-proposals_1k-0 XS-proposals_2k-0 XS-proposals_10k-0"
    assert row.command.count("score@") == 3


def test_measurements_at_the_papers_scale_are_a_stage_and_in_the_run_of_the_report(world):
    world.run("default", 60.0)
    before = _claims(world).loc[TIMED_TEST]
    world.write_timing()
    after = _claims(world).loc[TIMED_TEST]
    assert before.command == after.command == 'make reproduce PROFILE=mini ONLY="timing@L"'
    assert (before.mlflow_runs, after.mlflow_runs) == ("", "report")


def test_without_its_cells_a_claim_has_no_command_and_the_page_says_so(world):
    world.run("default", 60.0)
    row = _claims(world).loc[LAYERS]
    assert (row.verdict, row.command, row.mlflow_runs) == ("not run", "", "")
    page = (world.out / "report.html").read_text()
    assert "This profile has no such cells." in page


def test_the_page_has_every_command_and_the_markdown_none(full):
    claims = _claims(full)
    page = (full.out / "report.html").read_text()
    commands = [command for command in claims["command"] if command]
    assert len(commands) > 3
    for command in commands:
        assert f"<code>{escape(command)}</code>" in page
    assert "MLflow: XS-default-0, XS-fc_only-0" in page
    assert "make reproduce" not in (full.out / "claims.md").read_text()
