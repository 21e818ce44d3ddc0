"""MLflow down, locked, or deleted: a clear message, and never a result lost."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from frcn import tracking
from frcn.errors import UserError
from frcn.tracking import Record, collect, store_is_gone
from repository_copy import free_port

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


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """An MLflow server on this machine, until the block ends; gives its address."""
    port = free_port()
    places = [f"--backend-store-uri=sqlite:///{folder}/server.db"]
    places += [f"--artifacts-destination={folder}/files", "--host=127.0.0.1", f"--port={port}"]
    command = [sys.executable, "-m", "mlflow", "server", "--workers=1", *places]
    with subprocess.Popen(command, cwd=folder, process_group=0) as process:
        try:
            while not answers(f"http://127.0.0.1:{port}/health"):
                assert process.poll() is None
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address) as response:
            return response.status == 200
    except urllib.error.URLError:
        return False


def test_a_server_has_the_runs_until_it_goes_down(repo, report, tmp_path, monkeypatch):
    cells = {"XS-default": [Record("XS-default-0", key="a", metrics={"map_11pt": 70.0})]}
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with server(tmp_path) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        assert collect("served", cells, report, repo) == 3
        assert collect("served", cells, report, repo) == 0
        client = MlflowClient(address)
        experiment = client.get_experiment_by_name("served")
        found = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
        assert set(found) == {"XS-default", "XS-default-0", "report"}
        assert found["XS-default-0"].data.metrics["map_11pt"] == 70.0
        run_id, copy = found["report"].info.run_id, tmp_path / "copy"
        copy.mkdir()
        assert Path(client.download_artifacts(run_id, "map.md", str(copy))).read_text() == "70"
    with pytest.raises(UserError, match=SAFE):
        collect("served", cells, report, repo)
    # Nothing went to the database of this machine instead.
    assert not (repo / tracking.STORE / "mlflow.db").exists()


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
