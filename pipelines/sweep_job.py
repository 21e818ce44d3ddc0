"""One job of a sweep: the stages of one cell and seed, run by DVC in a process of its own."""

import subprocess
from pathlib import Path

import yaml
from filelock import FileLock
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from frcn.artefacts import write_text
from pipelines.cells import FILE
from pipelines.reproduce import run_dvc

LOG = "log.txt"
OUTCOME = "outcome.txt"
DONE = "done"
# In the sweep's folder; hidden, because the folders beside it are jobs.
STAGES = ".stages"


def sweep_job(config: DictConfig) -> None:
    """Run ``profile``, ``cell`` and ``seed`` of a config, after the trainings it starts from.

    It never raises, because the launchers give up the other jobs then: ``outcome.txt`` in the job's
    folder tells how it ended.
    """
    hydra = HydraConfig.get()
    # Workers need not share the current folder of the process that sent them the job.
    root, folder = Path(hydra.runtime.cwd), Path(hydra.runtime.output_dir)
    key = f"{config.profile}-{config.cell}-{config.seed}"
    trained = trainings(yaml.safe_load((root / FILE).read_text()), key)
    steps = [*([f"train@{run}"] for run in trained), [f"detect@{key}", f"score@{key}"]]
    outcome = DONE
    for stages in steps:
        marker = Path(hydra.sweep.dir) / STAGES / stages[0]
        outcome = _once(stages, marker, root, config.profile, folder / LOG)
        if outcome != DONE:
            break
    write_text(folder / OUTCOME, outcome)
    print(f"{folder.name}: {outcome}", flush=True)


def trainings(plan: dict, key: str) -> list[str]:
    """The runs of ``train`` behind a run of ``detect``, ancestors first.

    ``plan`` is the content of cells.yaml. The list ends with the run's own training, if it has one.
    """
    makers = {
        f"artefacts/{run['profile']}/train/{run['cell']}-{run['seed']}/weights.safetensors": name
        for name, run in plan["train"].items()
    }
    found: list[str] = []
    weights = plan["detect"][key]["weights"]
    while weights in makers:
        found.insert(0, makers[weights])
        weights = plan["train"][found[0]]["parent"]
    return found


def _once(stages: list[str], marker: Path, root: Path, profile: str, log: Path) -> str:
    """Run stages unless another job of the sweep has; returns their outcome.

    Jobs share trainings. DVC would refuse to look at one that another process reads or writes, and
    on another host it would not even notice.
    """
    marker.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{marker}.lock"):
        if not marker.exists():
            command = ["--wait-for-lock", "repro", "--single-item", *stages]
            with log.open("a") as file:
                status = run_dvc(command, profile, cwd=root, stdout=file, stderr=subprocess.STDOUT)
            write_text(marker, f"{' '.join(stages)} failed; its log is {log}" if status else DONE)
        return marker.read_text()


def failures(sweep: Path) -> list[str]:
    """One line for each job of a sweep that did not end well; none where nothing was swept."""
    jobs = sorted(path for path in sweep.glob("[!.]*/"))
    told = {job.name: _outcome(job) for job in jobs}
    return [f"{name}: {outcome}" for name, outcome in told.items() if outcome != DONE]


def _outcome(job: Path) -> str:
    path = job / OUTCOME
    return path.read_text() if path.exists() else f"did not come to an end; its log is {job / LOG}"
