"""The generated block of the README and the check for drift."""

import pytest

from frcn.errors import UserError
from frcn.report import readme_drifted, update_readme

MARKED = "# Title\n\n<!-- results:begin -->\nold\n<!-- results:end -->\n\nThe end.\n"


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
    assert "old" not in text
    assert text.index("Claims of the talk") < text.index("The three systems")
    assert text.index("The three systems") < text.index("Main result")
    for line in text.splitlines():
        if line.startswith("!["):
            assert (world.root / line.partition("](")[2].rstrip(")")).exists()
    assert "](results/mini/figures/map.png)" in text
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


def test_missing_marks_or_results_are_named(world, readme, tmp_path):
    with pytest.raises(UserError, match="no report"):
        update_readme(readme, tmp_path / "nowhere")
    readme.write_text("no marks")
    with pytest.raises(UserError, match="results:begin"):
        update_readme(readme, world.root / "results")
