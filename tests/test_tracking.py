from dataclasses import replace

import pytest

from frcn.tracking import Record, collect, default_uri

PICTURE = b"\x89PNG"


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    """One store for all tests, because making its database takes seconds."""
    patch = pytest.MonkeyPatch()
    patch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield tmp_path_factory.mktemp("repo")
    patch.undo()


@pytest.fixture
def report(repo):
    folder = repo / "results"
    folder.mkdir(exist_ok=True)
    (folder / "map.png").write_bytes(PICTURE)
    return Record("report", key="r", files=[folder])


def record(seed, map_11pt):
    return Record(
        name=f"XS-default-{seed}",
        key=f"key {seed} {map_11pt}",
        parameters={"train.flip": True, "seed": seed} | {f"p{i}": i for i in range(150)},
        metrics={"map_11pt": map_11pt},
        curves={"train_loss": [(step, 1 / (1 + step)) for step in range(1500)]},
    )


def runs(repo, experiment):
    from mlflow.tracking import MlflowClient  # noqa: PLC0415

    client = MlflowClient(tracking_uri=default_uri(repo))
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    assert len({run.info.run_name for run in found}) == len(found)
    return client, {run.info.run_name: run for run in found}


def test_runs_hold_parameters_metrics_curves_files_and_their_spread(repo, report):
    cells = {"XS-default": [record(0, 50.0), record(1, 54.0)]}
    assert collect("complete", cells, report, repo) == 4
    client, found = runs(repo, "complete")
    assert set(found) == {"XS-default", "XS-default-0", "XS-default-1", "report"}
    child, parent = found["XS-default-1"], found["XS-default"]
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.data.params["train.flip"] == "True"
    assert len(child.data.params) == 152
    assert child.data.metrics["map_11pt"] == 54.0
    curve = client.get_metric_history(child.info.run_id, "train_loss")
    assert sorted((m.step, m.value) for m in curve) == record(1, 0).curves["train_loss"]
    assert parent.data.metrics == pytest.approx(
        {"n_seeds": 2, "map_11pt": 52.0, "map_11pt_sd": 8**0.5}
    )
    assert "seed" not in parent.data.params
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    assert [file.path for file in client.list_artifacts(found["report"].info.run_id)] == ["map.png"]
    assert next((repo / "mlflow/artifacts").rglob("map.png")).read_bytes() == PICTURE


def test_collecting_again_writes_nothing_and_a_changed_run_replaces_the_old_one(repo, report):
    cells = {"XS-default": [record(0, 50.0), record(1, 54.0)], "XS-svm": [record(2, 40.0)]}
    assert collect("again", cells, report, repo) == 6
    _, before = runs(repo, "again")
    assert collect("again", cells, report, repo) == 0
    assert {name: run.info.run_id for name, run in runs(repo, "again")[1].items()} == {
        name: run.info.run_id for name, run in before.items()
    }
    cells["XS-default"][1] = record(1, 60.0)
    del cells["XS-svm"]
    assert collect("again", cells, report, repo) == 2
    _, after = runs(repo, "again")
    assert set(after) == {"XS-default", "XS-default-0", "XS-default-1", "report"}
    assert after["XS-default"].data.metrics["map_11pt"] == 55.0
    assert after["XS-default-0"].info.run_id == before["XS-default-0"].info.run_id
    parents = {after[f"XS-default-{seed}"].data.tags["mlflow.parentRunId"] for seed in (0, 1)}
    assert parents == {after["XS-default"].info.run_id}


def test_a_run_that_was_cut_short_is_written_anew(repo, report, tmp_path):
    missing = replace(report, files=[tmp_path / "missing.png"])
    cells = {"XS-default": [record(0, 50.0)]}
    with pytest.raises(OSError, match=r"missing\.png"):
        collect("cut short", cells, missing, repo)
    assert collect("cut short", cells, report, repo) == 1
    assert set(runs(repo, "cut short")[1]) == {"XS-default", "XS-default-0", "report"}


def test_the_environment_chooses_the_store(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracker:5000")
    assert default_uri(tmp_path) == "http://tracker:5000"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert default_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow/mlflow.db"
