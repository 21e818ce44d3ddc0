"""Every notebook runs, and the output stored in it is what it prints today.

Text is compared, pictures and formatted tables are not: a notebook draws or formats what it reads
from ``results/`` and prints none of it, so that new results make no test fail. What needs
artefacts runs in a tiny repository that has them, and prints the same there.
"""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
# Run in a clone of which no stage was run, from a folder, and in a repository with artefacts.
ALONE = [("reading_the_results", "."), ("roi_pooling", "."), ("roi_pooling", "notebooks")]
WITH_ARTEFACTS = ("extend_the_ablation", "reading_the_results")


def printed(cell):
    """What a code cell printed or evaluated to. The kernel may cut a stream in pieces anywhere."""
    text = ""
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            text += output.text
        elif "data" in output and "image/png" not in output.data:
            text += output.data.get("text/plain", "")
    return text


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def pictures(notebook):
    return [
        sum("image/png" in output.get("data", {}) for output in cell.outputs)
        for cell in code_cells(notebook)
    ]


@pytest.fixture(autouse=True)
def _no_settings_of_a_user(tmp_path, monkeypatch):
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def stored(name):
    (path,) = [path for path in NOTEBOOKS if path.stem == name]
    return nbformat.read(path, as_version=4)


def execute(name, folder):
    """A copy of the notebook, run from ``folder``."""
    notebook = stored(name)
    for cell in code_cells(notebook):
        cell.outputs = []
    where = {"metadata": {"path": str(folder)}}
    return NotebookClient(notebook, timeout=600, kernel_name="python3", resources=where).execute()


def assert_prints_what_is_stored(name, executed):
    for old, new in zip(code_cells(stored(name)), code_cells(executed), strict=True):
        assert printed(old) == printed(new), f"{name} is stale: run it and save it"


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_every_notebook_is_run():
    assert {path.stem for path in NOTEBOOKS} == {*dict(ALONE), *WITH_ARTEFACTS}


@pytest.mark.parametrize(("name", "folder"), ALONE)
def test_prints_what_is_stored(name, folder, repo):
    assert_prints_what_is_stored(name, execute(name, repo / folder))


@pytest.mark.parametrize("name", WITH_ARTEFACTS)
def test_prints_what_is_stored_where_stages_were_run(name, tiny_repository):
    before = files(tiny_repository)
    executed = execute(name, tiny_repository / "notebooks")
    assert_prints_what_is_stored(name, executed)
    assert pictures(executed) == pictures(stored(name))
    assert files(tiny_repository) == before


def test_reading_the_results_says_what_to_run_for_the_rest(tiny_repository, tmp_path):
    for part in ("conf", "results"):
        shutil.copytree(tiny_repository / part, tmp_path / part)
    executed = execute("reading_the_results", tmp_path)
    assert_prints_what_is_stored("reading_the_results", executed)
    outputs = [output for cell in code_cells(executed) for output in cell.outputs]
    said = [output.get("data", {}).get("text/markdown", "") for output in outputs]
    assert sum("**Not here:**" in text and "`make reproduce`" in text for text in said) == 1
    assert sum(pictures(executed)) == sum(pictures(stored("reading_the_results"))) - 2


def test_extending_needs_a_run(tmp_path):
    (tmp_path / "results").mkdir()
    with pytest.raises(CellExecutionError, match="XS-default-0 are not here; run `make reproduce`"):
        execute("extend_the_ablation", tmp_path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_stored(path, repo):
    notebook = stored(path.stem)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        # A warning is no output to keep, and it names files of the machine.
        assert not [o for o in cell.outputs if o.output_type == "error" or "stderr" in o.values()]
    assert str(repo) not in path.read_text()
    assert path.stat().st_size < 300_000
