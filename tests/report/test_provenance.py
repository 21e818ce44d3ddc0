"""The commit that a page names: of the code, not of the documents around it."""

import subprocess

import pytest

from frcn.report.provenance import provenance
from repository_copy import edit


def _git(*arguments):
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    return subprocess.run(
        ["git", *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def _commit(text):
    _git("add", ".")
    _git("commit", "-qm", text)
    return _git("rev-parse", "HEAD")[:12]


@pytest.fixture
def code(full, monkeypatch):
    """What the provenance of a small world's report says of the code."""
    monkeypatch.chdir(full.root)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(full.root.parent))
    (full.root / "src").mkdir()
    (full.root / "src/code.py").write_text("1\n")
    return lambda: dict(provenance(full.cells()))["Code of the report's build"]


def test_a_page_names_the_last_commit_that_changed_the_code(full, code):
    assert code() == "of no known commit"
    _git("init", "-q")
    assert code() == "of no known commit"
    _git("commit", "-q", "--allow-empty", "-m", "of no code")
    assert code() == "of no known commit"
    first = _commit("code")
    assert code().startswith(f"commit {first} of 20")
    assert not code().endswith("changed since")
    (full.root / "README.md").write_text("words\n")
    _commit("words alone")
    assert code().startswith(f"commit {first} of 20")
    edit(full.root / "src/code.py", "1", "2")
    assert code().endswith(", changed since")
    assert code().startswith(f"commit {first}")
    second = _commit("more code")
    assert code().startswith(f"commit {second} of 20") and second != first


def test_what_a_run_writes_is_no_code_but_a_new_file_is(full, code):
    _git("init", "-q")
    (full.root / "pipelines").mkdir()
    (full.root / "pipelines/cells.yaml").write_text("one profile\n")
    _commit("code")
    edit(full.root / "pipelines/cells.yaml", "one", "other")
    (full.root / "benchmarks/results").mkdir(parents=True)
    (full.root / "benchmarks/results/new.csv").write_text("1\n")
    assert not code().endswith("changed since")
    (full.root / "src/more.py").write_text("2\n")
    assert code().endswith("changed since")
