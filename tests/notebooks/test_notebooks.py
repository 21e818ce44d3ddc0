"""Every notebook runs, and the output stored in it is what it prints today.

Text is compared and pictures are not: a notebook draws what it reads from ``results/`` and prints
none of it, so that new results make no test fail.
"""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


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


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture(params=[".", "notebooks"], ids=["from root", "from notebooks"])
def folder(request, repo):
    return repo / request.param


@pytest.fixture
def executed(path, folder, tmp_path, monkeypatch):
    """A copy of the notebook, run from ``folder`` by a kernel that knows no user's settings."""
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = nbformat.read(path, as_version=4)
    for cell in code_cells(notebook):
        cell.outputs = []
    where = {"metadata": {"path": str(folder)}}
    return NotebookClient(notebook, timeout=600, kernel_name="python3", resources=where).execute()


def test_runs_and_prints_what_is_stored(path, executed):
    stored = nbformat.read(path, as_version=4)
    for old, new in zip(code_cells(stored), code_cells(executed), strict=True):
        assert printed(old) == printed(new), f"{path.name} is stale: run it and save it"


def test_what_is_stored(path, repo):
    stored = nbformat.read(path, as_version=4)
    nbformat.validate(stored)
    assert stored.metadata.kernelspec.name == "python3"
    cells = code_cells(stored)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        # A warning is no output to keep, and it names files of the machine.
        assert not [o for o in cell.outputs if o.output_type == "error" or "stderr" in o.values()]
    assert str(repo) not in path.read_text()
    assert path.stat().st_size < 300_000
