"""MLflow, imported here and nowhere else: a view of the results that can be rebuilt any time.

Each run carries a key, a hash of what it was made from. A run whose key is there already is
left alone; one with an old key is replaced. Within an experiment of MLflow (one per profile)
the seeds of a cell are children of a run with their mean and spread.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev

from filelock import FileLock

from frcn.artefacts import sha256_json
from frcn.errors import UserError

STORE = Path("mlflow")
# MLflow's limits of one log_batch request.
MOST_METRICS, MOST_PARAMETERS, LONGEST_VALUE = 1000, 100, 6000
KEY_TAG, NAME_TAG, PARENT_TAG = "frcn.key", "frcn.name", "mlflow.parentRunId"


@dataclass(frozen=True)
class Record:
    """What MLflow shows of one run.

    ``curves`` are lists of (step, value); ``files`` are copied, folders with what is in them.
    """

    name: str
    key: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    files: Sequence[Path] = ()


def default_uri(repo: Path = Path()) -> str:
    """``MLFLOW_TRACKING_URI``, or a database under ``mlflow/``."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{repo / STORE / 'mlflow.db'}"


def is_local() -> bool:
    """Whether the database under ``mlflow/`` is meant: no ``MLFLOW_TRACKING_URI`` is set."""
    return not os.environ.get("MLFLOW_TRACKING_URI")


def store_is_gone(repo: Path = Path()) -> bool:
    """Whether the database under ``mlflow/`` is meant, and is not there."""
    return is_local() and not (repo / STORE / "mlflow.db").exists()


def collect(
    experiment: str, cells: Mapping[str, Sequence[Record]], report: Record, repo: Path = Path()
) -> int:
    """Make MLflow show these runs, and no others under their names.

    Args:
        experiment: name of MLflow's experiment.
        cells: by cell name the records of its seeds.
        report: tables and pictures of all cells together.
        repo: holds the store ``mlflow/`` where ``MLFLOW_TRACKING_URI`` is not set.

    Returns:
        The number of runs written; 0 when all were there.

    Raises:
        UserError: MLflow's server or database gave no answer.
    """
    (repo / STORE).mkdir(exist_ok=True)
    # Two processes that create the same database or experiment would trip over each other.
    with FileLock(repo / STORE / "collect.lock"), _failures_told(repo):
        view = _View(experiment, repo)
        for name, records in cells.items():
            parent = view.put(_summary(name, records))
            for record in records:
                view.put(record, parent)
        view.put(report)
        wanted = {report.name, *cells, *(r.name for records in cells.values() for r in records)}
        view.drop_others(wanted)
    return view.written


@contextmanager
def _failures_told(repo: Path) -> Iterator[None]:
    # MLflow's own patience with a server that is down is minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 -- takes seconds
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 -- comes with MLflow

    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise UserError(
            f"MLflow at {default_uri(repo)} failed: {reason}\nThe results are safe in results/."
            " Once MLflow answers, `python -m pipelines.collect` shows them there."
        ) from error


def _summary(name: str, records: Sequence[Record]) -> Record:
    """Mean of each metric over the seeds, and the standard deviation where there are several."""
    metrics: dict[str, float] = {"n_seeds": len(records)}
    for metric in records[0].metrics:
        values = [record.metrics[metric] for record in records if metric in record.metrics]
        metrics[metric] = mean(values)
        if len(values) > 1:
            metrics[f"{metric}_sd"] = stdev(values)
    shared = {
        key: value
        for key, value in records[0].parameters.items()
        if all(record.parameters.get(key) == value for record in records)
    }
    return Record(name, sha256_json([record.key for record in records]), shared, metrics)


class _View:
    """The live runs of one MLflow experiment, by name."""

    def __init__(self, experiment: str, repo: Path) -> None:
        from mlflow.tracking import MlflowClient  # noqa: PLC0415 -- takes seconds

        self._client = MlflowClient(tracking_uri=default_uri(repo))
        found = self._client.get_experiment_by_name(experiment)
        self._experiment = found.experiment_id if found else self._create(experiment, repo)
        self._runs: dict[str, object] = {}
        self.written = 0
        for run in self._all_runs():
            # A run that was cut short has no key yet; it and duplicates go.
            if KEY_TAG in run.data.tags and run.data.tags[NAME_TAG] not in self._runs:
                self._runs[run.data.tags[NAME_TAG]] = run
            else:
                self._client.delete_run(run.info.run_id)

    def _create(self, experiment: str, repo: Path) -> str:
        place = (repo / STORE / "artifacts").resolve().as_uri() if is_local() else None
        return self._client.create_experiment(experiment, artifact_location=place)

    def _all_runs(self) -> list:
        runs, token = [], None
        while True:
            page = self._client.search_runs([self._experiment], page_token=token)
            runs += page
            token = page.token
            if not token:
                return runs

    def put(self, record: Record, parent: str | None = None) -> str:
        """Write a run unless it is there with the same key; returns its id."""
        run = self._runs.get(record.name)
        if run and run.data.tags[KEY_TAG] == record.key:
            if parent and run.data.tags.get(PARENT_TAG) != parent:
                self._client.set_tag(run.info.run_id, PARENT_TAG, parent)
            return run.info.run_id
        tags = {NAME_TAG: record.name} | ({PARENT_TAG: parent} if parent else {})
        new = self._client.create_run(self._experiment, tags=tags, run_name=record.name)
        self._log(new.info.run_id, record)
        for path in record.files:
            log = self._client.log_artifacts if path.is_dir() else self._client.log_artifact
            log(new.info.run_id, str(path))
        # The key comes last: a run without one is incomplete.
        self._client.set_tag(new.info.run_id, KEY_TAG, record.key)
        self._client.set_terminated(new.info.run_id)
        if run:
            self._client.delete_run(run.info.run_id)
        self._runs[record.name] = self._client.get_run(new.info.run_id)
        self.written += 1
        return new.info.run_id

    def drop_others(self, wanted: set[str]) -> None:
        """Delete the runs that are not wanted any more."""
        for name in set(self._runs) - wanted:
            self._client.delete_run(self._runs[name].info.run_id)

    def _log(self, run_id: str, record: Record) -> None:
        from mlflow.entities import Metric, Param  # noqa: PLC0415

        now = int(1000 * time.time())
        metrics = [Metric(name, value, now, 0) for name, value in record.metrics.items()]
        metrics += [
            Metric(name, value, now, step)
            for name, curve in record.curves.items()
            for step, value in curve
        ]
        parameters = [
            Param(name, str(value)[:LONGEST_VALUE]) for name, value in record.parameters.items()
        ]
        for start in range(0, len(metrics), MOST_METRICS):
            self._client.log_batch(run_id, metrics=metrics[start : start + MOST_METRICS])
        for start in range(0, len(parameters), MOST_PARAMETERS):
            self._client.log_batch(run_id, params=parameters[start : start + MOST_PARAMETERS])
