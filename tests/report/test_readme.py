"""The generated block of the README and the check for drift."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcn.errors import UserError
from frcn.report.readme import readme_drifted, update_readme
from frcn.report.readme_block import OF_PROPOSALS
from frcn.report.table import markdown_table, read_markdown_table

MARKED = "# Title\n\n<!-- results:begin -->\nyesterday\n<!-- results:end -->\n\nThe end.\n"


@pytest.fixture
def readme(world):
    world.write_data()
    world.run("default", 60.0)
    world.write_detections("XS-default-0", found={0: 2}, false={})
    world.build()
    path = world.root / "README.md"
    path.write_text(MARKED)
    return path


def test_the_block_is_replaced_and_the_rest_kept(world, readme):
    results = world.root / "results"
    assert readme_drifted(readme, results)
    update_readme(readme, results)
    text = readme.read_text()
    assert text.startswith("# Title\n\n<!-- results:begin -->\n")
    assert text.endswith("<!-- results:end -->\n\nThe end.\n")
    assert "yesterday" not in text
    assert text.index("Claims of the talk") < text.index("The three systems")
    for line in text.splitlines():
        if line.startswith("!["):
            assert (world.root / line.partition("](")[2].rstrip(")")).exists()
    assert not readme_drifted(readme, results)


def test_new_results_and_hand_edits_are_drift(world, readme):
    results = world.root / "results"
    update_readme(readme, results)
    readme.write_text(readme.read_text().replace("60.0", "66.9"))
    assert readme_drifted(readme, results)
    update_readme(readme, results)
    world.run("default", 61.0)
    world.build()
    assert readme_drifted(readme, results)


def test_profiles_stand_side_by_side_and_the_papers_scale_once(world, make_world, readme):
    world.write_timing()
    world.run("fc_only", 50.0)
    world.build()
    other = make_world("bccd")
    other.run("default", 60.0)
    other.run("fc_only", 61.0)
    other.build()
    update_readme(readme, world.root / "results")
    text = readme.read_text()
    assert max(len(line) for line in text.splitlines() if line.startswith("|")) < 180
    lines = [" ".join(line.split()) for line in text.splitlines()]
    headers = [line for line in lines if line.startswith("| claim | paper | `mini`")]
    assert headers == ["| claim | paper | `mini` | ours in `mini` | `bccd` | ours in `bccd` |"] * 2
    (layers,) = [line for line in lines if line.startswith("| Fine-tuning the conv layers")]
    _, paper, verdict, ours, other_verdict, other_ours = layers.strip("| ").split(" | ")
    assert (paper, verdict, other_verdict) == ("+5.5", "✓ reproduced", "? undecided")
    assert ours.startswith("+10.0 [") and other_ours.startswith("−1.0 [")
    (timed,) = [line for line in lines if "R-CNN at test time (times faster" in line]
    assert timed.split(" | ")[1:] == ["L", "×146", "✓ reproduced", "≈ ×100 [100, 100]", "3 |"]
    (tally,) = [line for line in lines if line.startswith("On small networks")]
    assert "in `mini` (seeds: 1, noise of training not measured) 1 reproduced" in tally
    assert "in `bccd` (seeds: 1, noise of training not measured) 1 undecided" in tally
    # What no cell decides is not counted, and stands elsewhere.
    edge_boxes = next(i for i, line in enumerate(lines) if line.startswith("| EdgeBoxes takes"))
    assert lines.index(layers) < lines.index(OF_PROPOSALS) < edge_boxes
    assert lines[edge_boxes].endswith("| – not run | – | – not run | – |")


def test_seconds_of_proposals_have_the_number_of_pictures(world, make_world, readme):
    other = make_world("bccd")
    other.write_proposal_times(opencv=(0.6, 0.8), ours=(0.1, 0.1), edge_boxes=(0.1, 0.1))
    for one in (world, other):
        one.run("default", 60.0)
        one.build()
    update_readme(readme, world.root / "results")
    lines = [" ".join(line.split()) for line in readme.read_text().splitlines()]
    (both,) = [line for line in lines if line.startswith("| EdgeBoxes") and "both OpenCV's" in line]
    assert both.endswith("| – not run | – | ✓ reproduced | ×7 [6, 8], n 2 |")


def test_a_profile_of_other_networks_is_only_linked(world, make_world, readme):
    other = make_world("voc07")
    other.run("default", 60.0, network="L")
    other.build()
    update_readme(readme, world.root / "results")
    text = readme.read_text()
    assert "`voc07` |" not in text and "](results/voc07/claims.md)" in text


@given(st.lists(st.lists(st.text("ab| −×", min_size=1).map(str.strip), min_size=2, max_size=2)))
def test_a_table_is_read_as_it_was_written(rows):
    text = markdown_table(["claim", "ours"], rows, ("claim",))
    assert read_markdown_table(f"# Title\n\n{text}\n\n- a note\n") == [
        dict(zip(["claim", "ours"], row, strict=True)) for row in rows
    ]


def test_missing_marks_or_results_are_named(world, readme, tmp_path):
    with pytest.raises(UserError, match="no report"):
        update_readme(readme, tmp_path / "nowhere")
    readme.write_text("no marks")
    with pytest.raises(UserError, match="results:begin"):
        update_readme(readme, world.root / "results")


def test_seeds_that_were_not_run_are_not_counted(world, readme):
    world.build(seeds=(0, 1, 2))
    update_readme(readme, world.root / "results")
    assert "in `mini` (seeds: 1, " in readme.read_text()
