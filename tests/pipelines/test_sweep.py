"""Sweeps for real: tiny trainings, DVC and the launchers in processes of their own."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipelines.sweep import seeds_of_asked_cells
from pipelines.sweep_job import trainings
from repository_copy import ONE_THREAD, run
from sweep_repository import assert_done, hashes, prepare, stages

pytestmark = pytest.mark.slow
# The second starts from what the first trained, the third tests it.
GOOD = ("default", "svm", "svd")
TWO_JOBS = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")


def sweep(repo: Path, *arguments: str, **options):
    return run(repo, "pipelines.sweep", "--multirun", *arguments, **options, **ONE_THREAD)


def git(*arguments: str, cwd: Path) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A tiny repository in which all that the runs need is done, and no run."""
    return prepare(tmp_path_factory.mktemp("prepared"), GOOD)


@pytest.fixture
def copy(prepared, tmp_path):
    return Path(shutil.copytree(prepared, tmp_path / "repo", symlinks=True))


@pytest.fixture(scope="module")
def swept(prepared, tmp_path_factory):
    """A tiny repository after two sweeps: of a part, two jobs at a time, and of everything."""
    repo = tmp_path_factory.mktemp("swept") / "repo"
    shutil.copytree(prepared, repo, symlinks=True)
    sweep(repo, "cell=XS-default,XS-svm", "seed=0", *TWO_JOBS, "hydra.sweep.dir=multirun/joblib")
    submitit = ("hydra/launcher=submitit_local", "hydra.sweep.dir=multirun/submitit")
    sweep(repo, "cell=glob(*)", "seed=0", *submitit)
    return repo


def run_in(repo: Path, launcher: str) -> list[tuple[str, str]]:
    """Stage and experiment of what the jobs of a launcher ran, sorted."""
    logs = [path.read_text() for path in (repo / "multirun" / launcher).glob("*/log.txt")]
    return sorted(re.findall(r"Running stage '(\w+)@tiny-XS-(\w+)-0'", "".join(logs)))


def test_swept_runs_are_done_for_dvc(swept):
    assert_done(swept, *GOOD)


def test_two_jobs_at_a_time_run_a_shared_training_once(swept):
    both = [(stage, of) for stage in ("detect", "score", "train") for of in ("default", "svm")]
    assert run_in(swept, "joblib") == both


def test_a_sweep_runs_what_no_other_has_done(swept):
    assert run_in(swept, "submitit") == [("detect", "svd"), ("score", "svd")]


def test_a_sweep_leaves_nothing_for_git_to_track_but_the_lock(swept):
    listed = git("status", "--porcelain", cwd=swept)
    assert "multirun" not in listed
    assert "dvc.lock" in listed


def test_swept_runs_equal_those_of_one_after_the_other(swept, copy):
    run(copy, "dvc", "repro", *stages(*GOOD), **ONE_THREAD)
    for experiment in GOOD:
        assert hashes(copy, experiment) == hashes(swept, experiment)


def test_a_reader_pulls_what_another_computed(swept, tmp_path):
    sender, reader = tmp_path / "sender", tmp_path / "reader"
    shutil.copytree(swept, sender, symlinks=True)
    (sender / "results/tiny").mkdir(parents=True)
    (sender / "results/tiny/claims.md").write_text("none\n")
    run(sender, "dvc", "remote", "add", "--default", "shared", str(tmp_path / "remote"))
    run(sender, "dvc", "push", "--run-cache")
    git("add", "--all", cwd=sender)
    git("-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "Swept", cwd=sender)
    git("clone", "-q", str(sender), str(reader), cwd=tmp_path)
    # What never ran, such as the measurements of VGG16, is missing on both sides.
    run(reader, "dvc", "pull", "--allow-missing")
    for experiment in GOOD:
        assert hashes(reader, experiment) == hashes(sender, experiment)
    assert_done(reader, *GOOD)
    collected = run(reader, "pipelines.collect")
    # A run for each cell, one for its seed, and the report.
    assert f"MLflow: {2 * len(GOOD) + 1} runs written" in collected.stdout


def test_runs_of_another_clone_are_taken_over_without_computing(swept, copy, tmp_path):
    shutil.copytree(swept, tmp_path / "other", symlinks=True)
    for clone in (tmp_path / "other", copy):
        run(clone, "dvc", "remote", "add", "--default", "shared", str(tmp_path / "remote"))
    run(tmp_path / "other", "dvc", "push", "--run-cache")
    taken = run(copy, "dvc", "repro", "--pull", *stages(*GOOD))
    assert "Running stage" not in taken.stdout
    assert "is cached - skipping run, checking out outputs" in taken.stdout
    for experiment in GOOD:
        assert hashes(copy, experiment) == hashes(swept, experiment)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("seed=0,7", "seed 7: params.yaml has seeds [0]; add it there"),
        ("profile=mini,tiny", "profile mini and tiny: sweep one after the other"),
        ("seed=0,", "seed=0,: "),
        ("profile=huge", "conf/profile/huge.yaml: not found"),
        ("hydra.sweep.dir=conf", "conf: exists; a sweep keeps its outcomes in a folder of its own"),
    ],
)
def test_bad_arguments_are_refused_before_anything_runs(prepared, argument, message):
    before = (prepared / "pipelines/cells.yaml").read_text()
    result = sweep(prepared, argument, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: {message}")
    assert "Running stage" not in result.stdout
    assert (prepared / "pipelines/cells.yaml").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "seeds"),
    [
        (["cell=XS-default", "seed=1,2"], "01234"),
        (["cell=XS-default,XS-svd"], "01234"),
        (["cell=glob(XS-sv*)"], "01234"),
        (["cell=XS-default,XS-fc_only"], "0"),
        (["cell=glob(*)"], "0"),
        (["seed=1"], "0"),
        (["cell=L-nothing"], ""),
    ],
)
def test_seeds_for_the_noise_are_swept_of_cells_that_have_them(repo, monkeypatch, arguments, seeds):
    monkeypatch.chdir(repo)
    monkeypatch.setattr("sys.argv", ["sweep", *arguments])
    assert seeds_of_asked_cells("mini") == {*seeds}


def test_trainings_of_a_run_start_with_its_oldest_ancestor():
    def made(cell: str) -> str:
        return f"artefacts/p/train/{cell}-1/weights.safetensors"

    def trained(cell: str, parent: str) -> dict:
        return {"profile": "p", "cell": cell, "seed": 1, "parent": parent}

    plan = {
        "train": {
            "p-c-1": trained("c", made("b")),
            "p-a-1": trained("a", "artefacts/backbone/XS-grid.safetensors"),
            "p-b-1": trained("b", made("a")),
        },
        "detect": {
            "p-c-1": {"weights": made("c")},
            "p-untrained-1": {"weights": made("b")},
            "p-pretrained-1": {"weights": "artefacts/backbone/XS-grid.safetensors"},
        },
    }
    assert trainings(plan, "p-c-1") == ["p-a-1", "p-b-1", "p-c-1"]
    assert trainings(plan, "p-untrained-1") == ["p-a-1", "p-b-1"]
    assert trainings(plan, "p-pretrained-1") == []
