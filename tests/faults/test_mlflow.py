"""MLflow down, locked, or deleted: a clear message, and never a result lost."""

import sqlite3
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from frcn import tracking
from frcn.errors import UserError
from frcn.tracking import Record, collect, store_is_gone

SAFE = "The results are safe in results/"


@pytest.fixture
def repo(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "map.md").write_text("70")
    return tmp_path


@pytest.fixture
def report(repo):
    return Record("report", key="r", files=[repo / "map.md"])


def test_a_server_that_is_down(repo, report, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError, match=rf"(?s)127\.0\.0\.1:9 failed: .*{SAFE}"):
        collect("down", {}, report, repo)


def in_another_process(*arguments: object) -> int:
    """``collect`` by a process of its own: one keeps a database open that was deleted."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(collect, *arguments).result()


def test_a_deleted_database_is_made_again(repo, report):
    assert store_is_gone(repo)
    assert in_another_process("deleted", {}, report, repo) == 1
    assert not store_is_gone(repo)
    assert in_another_process("deleted", {}, report, repo) == 0
    (repo / tracking.STORE / "mlflow.db").unlink()
    assert store_is_gone(repo)
    assert in_another_process("deleted", {}, report, repo) == 1


def test_two_at_once_duplicate_nothing(repo, report):
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        jobs = [pool.submit(collect, "two", {}, report, repo) for _ in range(2)]
    assert sorted(job.result() for job in jobs) == [0, 1]


def test_a_locked_database(repo, report):
    assert collect("locked", {}, report, repo) == 1
    with sqlite3.connect(repo / tracking.STORE / "mlflow.db", timeout=1) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UserError, match=rf"(?s)database is locked.*{SAFE}"):
            collect("locked", {}, Record("report", key="s", files=report.files), repo)
        connection.rollback()
    assert collect("locked", {}, Record("report", key="s", files=report.files), repo) == 1
