"""Measure how long ``python -m pipelines.collect`` takes, for new cells and for unchanged ones.

    python benchmarks/collect.py

In a temporary folder lie 40 finished cells of profile mini as their stages leave them, with numbers
that are made up. They are collected three times, each time by a process of its own, into a database
of MLflow in that folder: all new; all unchanged; and unchanged after an edit of ``dvc.lock`` that
touches none of them, so that MLflow is asked about each. Prints the table as Markdown and writes
``benchmarks/results/collect.csv``. Takes half a minute.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import yaml

from frcn.artefacts import write_json, write_text
from frcn.machine import cpu_name
from frcn.report.table import markdown_table, write_csv

REPO = Path(__file__).resolve().parents[1]
RESULTS = Path("benchmarks/results")
PROFILE = "mini"
CELLS = 40
LOSSES = 80
"""Rows of a loss curve: mini's 1600 steps."""
CODE = ("conf", "hydra_plugins", "pipelines", "src")
COLLECTIONS = {
    "all new": None,
    "all unchanged": None,
    "all unchanged, dvc.lock edited elsewhere": "# a line that says nothing\n",
}
"""What is added to dvc.lock before each collection."""
ONCE = """
import time
from pipelines.collect import main
start = time.perf_counter()
main()
print(time.perf_counter() - start)
"""
"""``python -m pipelines.collect`` that tells how long it took once its imports were done."""


def main() -> None:
    """Measure and write the table."""
    with tempfile.TemporaryDirectory() as folder:
        write_cells(Path(folder), CELLS)
        table = pd.DataFrame(collections(Path(folder), CELLS))
    write_csv(RESULTS / "collect.csv", table)
    print(markdown_table(list(table.columns), table.astype(str).to_numpy().tolist(), ()))


def write_cells(root: Path, count: int) -> None:
    """A repository in an empty folder, with so many finished cells of one seed."""
    for name in CODE:
        shutil.copytree(REPO / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    write_text(root / "params.yaml", f"profile: [{PROFILE}]\nseeds: [0]\n")
    profile = root / f"conf/profile/{PROFILE}.yaml"
    write_text(profile, re.sub(r"(?m)^  noise_seeds: .*\n", "", profile.read_text()))
    for path in (root / "conf/experiment").glob("*.yaml"):
        if path.stem != "default":
            path.unlink()
    for number in range(1, count):
        text = f"# @package _global_\nexperiment: copy_{number}\n"
        write_text(root / f"conf/experiment/copy_{number}.yaml", text)
    configs = ["pipelines.configs", "--profile", PROFILE, "--out", f"configs/{PROFILE}"]
    # The first run makes cells.yaml, says so and ends.
    for check in (False, True):
        _python(root, "-m", *configs, check=check)
    lock = {}
    plan = yaml.safe_load((root / "pipelines/cells.yaml").read_text())
    for key, run in plan["detect"].items():
        for stage in ("train", "detect", "score"):
            lock[f"{stage}@{key}"] = {"cmd": stage, "outs": [{"md5": f"{stage} {key}"}]}
            _write_outs(root / "artefacts" / PROFILE / stage / f"{run['cell']}-{run['seed']}")
    write_text(root / "dvc.lock", yaml.safe_dump({"schema": "2.0", "stages": lock}))
    write_text(root / "results" / PROFILE / "cells.csv", "cell\n")


def collections(root: Path, count: int) -> list[dict]:
    """Collect as often as ``COLLECTIONS`` says; one row each."""
    rows = []
    for what, line in COLLECTIONS.items():
        if line:
            with (root / "dvc.lock").open("a") as file:
                file.write(line)
        start, processor = time.perf_counter(), _processor_seconds()
        said = _python(root, "-c", ONCE, check=True)
        seconds = time.perf_counter() - start
        written = re.search(r"(\d+) runs written", said)
        rows.append(
            {
                "cells": count,
                "collected": what,
                "runs written": int(written[1]) if written else 0,
                "seconds of the process": round(seconds, 1),
                "of them on the processor": round(_processor_seconds() - processor, 1),
                "seconds within": round(float(said.splitlines()[-1]), 2),
                "machine": cpu_name(),
            }
        )
    return rows


def _write_outs(folder: Path) -> None:
    """What a stage leaves, as far as it is collected."""
    if folder.parent.name == "train":
        write_json(folder / "train.json", {"seconds": 60.0, "steps": 1600, "final_loss": 0.5})
        rows = [f"{20 * (i + 1)},0.015,{1 / (i + 1)},{1 / (i + 1)},0.0\n" for i in range(LOSSES)]
        write_text(folder / "loss.csv", "step,lr,loss,loss_cls,loss_bbox\n" + "".join(rows))
    elif folder.parent.name == "detect":
        numbers = {"seconds_per_image": 0.05, "parameters": 10**6, "proposals_per_image": 500.0}
        write_json(folder / "detect.json", numbers | {"phases": {"conv": 0.02, "fc": 0.03}})
    else:
        ap = {f"class {k}": 50.0 for k in range(8)}
        numbers = {"map_11pt": 50.0, "map_area": 50.0, "low": 49.0, "high": 51.0}
        write_json(folder / "score.json", numbers | {"ap": ap})
        write_text(folder / "curves.csv", "class,recall,precision\n")


def _processor_seconds() -> float:
    """Of all processes that this one started and that ended; other load does not count."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _python(root: Path, *arguments: str, check: bool) -> str:
    """Run Python in a copy with the copy's code and its own store; returns what it printed."""
    variables = os.environ | {"PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])}
    variables.pop("MLFLOW_TRACKING_URI", None)
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=root, env=variables, stdout=subprocess.PIPE, text=True, check=check
    ).stdout


if __name__ == "__main__":
    main()
