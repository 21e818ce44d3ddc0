"""What DVC makes of dvc.yaml: tried in a copy of the repository with placeholder outs."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import pytest
import yaml
from dvc.repo import Repo
from mlflow.tracking import MlflowClient

from frcn.config import Cell
from frcn.report.claim_origin import REPORT_RUN, Origin
from pipelines.cells import cells_text
from pipelines.import_closure import import_closure
from repository_copy import REPO, copy_repository, edit, run

pytestmark = pytest.mark.slow
SCRIPTS = sorted(
    path.stem
    for path in (REPO / "pipelines").glob("*.py")
    if f"python -m pipelines.{path.stem} " in (REPO / "dvc.yaml").read_text()
)
# Few experiments keep DVC quick; these have every kind of parent, and every system.
KEPT = ("default", "fc_only", "no_bbox_reg", "piecewise", "svd", "rcnn", "spp_net")
SYSTEMS = sorted(path.parent.name for path in (REPO / "src/frcn/systems").glob("*/__init__.py"))
OF_ITS_SYSTEM = "src/frcn/systems/${item.system}"


def stale(repo: Path) -> set[str]:
    """Stages that `dvc status` calls changed, but for `networks`, of which only XS matters."""
    # From elsewhere DVC gives its stages longer names.
    with contextlib.chdir(repo), Repo() as dvc:
        return set(dvc.status()) - {"networks"}


def update_configs(repo: Path) -> None:
    run(repo, "dvc", "repro", "configs@mini")


def plan_again(repo: Path, seeds: list[int]) -> None:
    (repo / "pipelines/cells.yaml").write_text(cells_text(["mini"], seeds, repo / "conf"))


def write_placeholders(repo: Path) -> None:
    """An out of the right kind for each stage, so that DVC has something to lock."""
    cells = yaml.safe_load((repo / "pipelines/cells.yaml").read_text())
    files = [
        "data/mini/manifest.json",
        "artefacts/mini/proposals/selective_search/trainval.npy",
        "artefacts/mini/recall/selective_search.csv",
        "results/mini/claims.md",
        "results/mini/report.html",
        *(f"artefacts/timing/{network}.json" for network in ("XS", "S", "M", "L")),
    ]
    for backbone in cells["backbones"]:
        files += [f"artefacts/backbone/{backbone}{end}" for end in (".safetensors", ".json")]
    for run_key in (*cells["train"].values(),):
        name = f"{run_key['cell']}-{run_key['seed']}"
        files.append(f"artefacts/mini/train/{name}/weights.safetensors")
    for run_key in (*cells["detect"].values(),):
        name = f"{run_key['cell']}-{run_key['seed']}"
        files.append(f"artefacts/mini/detect/{name}/detections.parquet")
        files.append(f"artefacts/mini/score/{name}/curves.csv")
        files.append(f"artefacts/mini/score/{name}/score.json")
    for file in files:
        (repo / file).parent.mkdir(parents=True, exist_ok=True)
        (repo / file).write_text(json.dumps({"placeholder": file}))


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A copy of the repository, all of whose stages DVC takes for done."""
    repo = tmp_path_factory.mktemp("template")
    copy_repository(repo, KEPT)
    # The first `dvc repro` finds cells.yaml out of date, mends it and says so.
    first = run(repo, "dvc", "repro", "configs@mini", check=False)
    assert first.returncode != 0
    assert "out of date and is updated; run `dvc repro` again" in first.stderr
    run(repo, "dvc", "repro", "networks", "configs@mini")
    write_placeholders(repo)
    run(repo, "dvc", "commit", "-f")
    assert stale(repo) == set()
    return repo


@pytest.fixture
def copy(template, tmp_path):
    return Path(shutil.copytree(template, tmp_path / "repo", symlinks=True))


def stages_of(script: str) -> dict[str, dict]:
    """The stages of dvc.yaml that run a script of pipelines/."""
    stages = yaml.safe_load((REPO / "dvc.yaml").read_text())["stages"]
    bodies = {name: stage.get("do", stage) for name, stage in stages.items()}
    return {n: body for n, body in bodies.items() if f"pipelines.{script} " in body["cmd"]}


def lacking(deps: list[str], closure: set[str]) -> set[str]:
    """Files of a closure that are neither deps nor lie in one."""
    return {
        file
        for file in closure
        if not any(file == dep or file.startswith(f"{dep}/") for dep in deps)
    }


def idle(deps: list[str], closure: set[str]) -> set[str]:
    """Deps on code that the closure has nothing of."""
    code = [dep for dep in deps if dep.startswith(("src/", "pipelines/"))]
    return {dep for dep in code if not any(file.startswith(dep) for file in closure)}


@pytest.mark.parametrize("script", [name for name in SCRIPTS if name not in ("train", "detect")])
def test_stage_depends_on_all_modules_that_it_imports(script):
    closure = import_closure(f"pipelines.{script}")
    assert stages_of(script)
    for name, body in stages_of(script).items():
        deps = [dep for dep in body["deps"] if not dep.startswith("$")]
        assert not lacking(deps, closure), f"stage {name} of dvc.yaml lacks deps"
        assert not idle(deps, closure), f"stage {name} depends on what it does not import"


@pytest.mark.parametrize("script", ["train", "detect"])
def test_stage_depends_on_its_own_system_and_all_that_any_imports(script):
    """The system is imported by the name that the cell's config has, which no closure sees."""
    (body,) = stages_of(script).values()
    assert OF_ITS_SYSTEM in body["deps"]
    shared = [dep for dep in body["deps"] if not dep.startswith("$") and dep != OF_ITS_SYSTEM]
    everything = import_closure(f"pipelines.{script}")
    for system in SYSTEMS:
        closure = import_closure(f"frcn.systems.{system}")
        own = f"src/frcn/systems/{system}"
        assert any(file.startswith(f"{own}/") for file in closure)
        assert not lacking([*shared, own], closure), f"{script} of {system} lacks deps"
        everything |= closure
    assert not lacking([*shared, "src/frcn/systems"], everything)
    assert not idle(shared, everything)


def test_only_training_and_testing_import_a_system_by_name():
    importing = "from frcn.systems import system\n"
    users = {
        script
        for script in SCRIPTS
        for file in import_closure(f"pipelines.{script}")
        if importing in (REPO / file).read_text()
    }
    assert users == {"train", "detect"}
    assert sorted(get_args(Cell.model_fields["system"].annotation)) == SYSTEMS


def test_no_stage_hides_an_import_behind_a_package():
    """``frcn.proposals`` imports what it exports when asked, which the closure does not see."""
    for script in SCRIPTS:
        for file in import_closure(f"pipelines.{script}"):
            for line in (REPO / file).read_text().splitlines():
                assert not line.startswith("from frcn.proposals import"), f"{file}: {line}"


def test_configs_depend_on_all_that_is_composed():
    deps = yaml.safe_load((REPO / "dvc.yaml").read_text())["stages"]["configs"]["do"]["deps"]
    # The others are the published numbers and checksums, which no config is composed of.
    groups = {path.name for path in (REPO / "conf").iterdir()} - {"data", "paper"}
    assert {f"conf/{group}" for group in groups} <= set(deps)


def test_scripts_of_all_stages_were_found():
    assert {*SCRIPTS} == {
        "backbone",
        "configs",
        "detect",
        "fetch",
        "proposals",
        "published",
        "report",
        "score",
        "timing",
        "train",
    }


def test_editing_an_imported_module_makes_its_stages_stale(copy):
    with (copy / "src/frcn/boxes.py").open("a") as file:
        file.write("\n")
    found = {name.split("@")[0] for name in stale(copy)}
    assert found == {
        "backbone",
        "detect",
        "fetch",
        "proposals",
        "report",
        "score",
        "timing",
        "train",
    }


@pytest.mark.parametrize("system", SYSTEMS)
def test_editing_a_system_leaves_the_cells_of_the_others(copy, system):
    with (copy / f"src/frcn/systems/{system}/detector.py").open("a") as file:
        file.write("\n")
    names = [system] if system in KEPT else [n for n in KEPT if n not in ("rcnn", "spp_net")]
    wanted = {f"{stage}@mini-XS-{n}-0" for stage in ("train", "detect") for n in names}
    # `svd` trains nothing. `timing` measures all systems, with a part of their code.
    found = {name for name in stale(copy) if not name.startswith("timing@")}
    assert found == wanted - {"train@mini-XS-svd-0"}


def test_editing_the_evaluation_retrains_nothing(copy):
    with (copy / "src/frcn/evaluation/voc_ap.py").open("a") as file:
        file.write("\n")
    assert {name.split("@")[0] for name in stale(copy)} == {"score", "report"}


def test_an_experiments_edit_concerns_its_own_training_only(copy):
    edit(copy / "conf/experiment/fc_only.yaml", "learn_from: fc6", "learn_from: fc7")
    update_configs(copy)
    assert stale(copy) == {"train@mini-XS-fc_only-0", "report@mini"}


def test_a_comment_concerns_no_stage_but_configs(copy):
    edit(copy / "conf/experiment/fc_only.yaml", "# Only fc6", "# Nothing but fc6")
    update_configs(copy)
    assert stale(copy) == set()


def test_a_changed_list_concerns_its_proposals_and_what_reads_them(copy):
    edit(copy / "conf/proposals/selective_search.yaml", "preset: fast", "preset: single")
    update_configs(copy)
    runs = {f"{stage}@mini-XS-{name}-0" for stage in ("detect", "score") for name in KEPT}
    runs |= {f"train@mini-XS-{name}-0" for name in KEPT if name != "svd"}
    assert stale(copy) == {"proposals@mini-selective_search", *runs, "report@mini"}


def test_a_changed_test_setting_trains_nothing(copy):
    edit(copy / "conf/recipe/small.yaml", "  split: test\n", "  split: test\n  max_per_image: 50\n")
    update_configs(copy)
    assert stale(copy) == {*(f"detect@mini-XS-{name}-0" for name in KEPT), "report@mini"}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("recipe/small.yaml", "bootstrap_samples: 1000", "bootstrap_samples: 999"),
        ("profile/mini.yaml", "[fish, kite]", "[fish, robot]"),
    ],
)
def test_a_changed_metric_runs_no_network(copy, file, old, new):
    edit(copy / f"conf/{file}", old, new)
    update_configs(copy)
    assert stale(copy) == {*(f"score@mini-XS-{name}-0" for name in KEPT), "report@mini"}


def test_new_experiment_runs_only_its_own_cells(copy):
    (copy / "conf/experiment/quick.yaml").write_text(
        "# @package _global_\nexperiment: quick\ntrain: {solver: {iterations: 9}}\n"
    )
    plan_again(copy, seeds=[0])
    update_configs(copy)
    own = {f"{stage}@mini-XS-quick-0" for stage in ("train", "detect", "score")}
    assert stale(copy) == {*own, "report@mini"}


def test_more_seeds_keep_the_runs_of_the_first(copy):
    (copy / "params.yaml").write_text("profile: [mini]\nseeds: [0, 1]\n")
    plan_again(copy, seeds=[0, 1])
    found = stale(copy) - {"configs@mini", "report@mini"}
    assert {name for name in found if not name.endswith("-1")} == set()
    assert "train@mini-XS-piecewise-1" in found


def test_check_lock_tells_a_stale_lock_from_a_good_one(copy):
    # As in a fresh clone: outs that git ignores are not there.
    for folder in ("artefacts", "configs", "data", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(copy / folder, ignore_errors=True)
    good = run(copy, "pipelines.check_lock")
    assert "up to date for mini" in good.stdout
    with (copy / "pipelines/train.py").open("a") as file:
        file.write("\n")
    bad = run(copy, "pipelines.check_lock", check=False)
    assert bad.returncode == 1
    assert "train@mini-XS-default-0" in bad.stderr
    assert "fetch@mini" not in bad.stderr


def test_terminated_reproduce_restores_cells_yaml(copy):
    cells = copy / "pipelines/cells.yaml"
    before = cells.read_text()
    path = os.pathsep.join([str(copy / "src"), str(copy)])
    # A folder that isn't there stops the run before any download, should the signal come late.
    environment = os.environ | {"PYTHONPATH": path, "FRCN_BCCD": "nowhere"}
    command = [sys.executable, "-m", "pipelines.reproduce", "--profile", "bccd"]
    with subprocess.Popen(command, cwd=copy, env=environment, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while "bccd" not in cells.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert cells.read_text() == before
    assert (copy / "params.yaml").read_text() == "profile: [mini]\nseeds: [0]\n"


def test_one_profile_alone_leaves_the_others_as_they_are(copy):
    before = (copy / "pipelines/cells.yaml").read_text()
    result = run(copy, "pipelines.reproduce", "--profile", "bccd", check=False, FRCN_BCCD="nowhere")
    assert result.returncode == 2
    assert "nowhere: not found" in result.stderr
    assert (copy / "pipelines/cells.yaml").read_text() == before
    assert (copy / "configs/bccd/XS-default.yaml").exists()
    assert stale(copy) == set()


def test_reproduce_collects_once_and_is_then_done_without_mlflow(copy):
    # Another profile than that of params.yaml is asked for.
    edit(copy / "params.yaml", "mini", "bccd")
    first = run(copy, "pipelines.reproduce", "--profile", "mini")
    assert f"MLflow: {2 * len(KEPT) + 1} runs written to experiment frcn-mini" in first.stdout
    assert "results/mini/claims.md" in first.stdout
    store = MlflowClient(f"sqlite:///{copy / 'mlflow/mlflow.db'}")
    experiment = store.get_experiment_by_name(Origin("mini").experiment)
    names = {found.info.run_name for found in store.search_runs([experiment.experiment_id])}
    # The names that the ledger gives.
    assert {REPORT_RUN, *(f"XS-{kept}-0" for kept in KEPT)} <= names
    # The tables come first: MLflow may be a server that gives no answer.
    assert "Report: results/mini/report.html\nMLflow: " in first.stdout
    again = run(copy, "pipelines.reproduce", "--profile", "mini", PYTHONPROFILEIMPORTTIME="1")
    assert again.stdout.endswith("Report: results/mini/report.html\n")
    assert "frcn.tracking" in again.stderr
    assert "mlflow" not in again.stderr


def test_reproduce_shows_its_tables_though_mlflow_is_down(copy):
    down = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    result = run(copy, "pipelines.reproduce", check=False, **down)
    assert result.returncode == 2
    assert result.stdout.endswith("Report: results/mini/report.html\n")
    assert result.stderr.splitlines()[-1].startswith("The results are safe in results/.")
    assert "Traceback" not in result.stderr
