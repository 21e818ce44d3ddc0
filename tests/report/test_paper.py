"""The published numbers: whole, consistent with each other, and checked when read."""

import shutil
from pathlib import Path

import pytest

from frcn.errors import UserError
from frcn.report.paper import BEST_FEWER_PROPOSALS, MOST_PROPOSALS, load_paper

CONF = Path(__file__).parents[2] / "conf"


def test_published_effects_follow_the_tables():
    """Every published number of a claim stands in a table too, under the same experiment."""
    paper = load_paper(CONF / "paper")
    quoted = {
        (row.experiment, measure, network): value
        for table in paper.tables.values()
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
    named = {side for claim in paper.claims.claims for side in (claim.a, claim.b)}
    named |= {row.experiment for table in paper.tables.values() for row in table.rows}
    named |= {row.experiment for row in paper.proposals.rows}
    named -= {None, MOST_PROPOSALS, BEST_FEWER_PROPOSALS}
    existing = {path.stem for path in (CONF / "experiment").glob("*.yaml")}
    assert named <= existing


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
