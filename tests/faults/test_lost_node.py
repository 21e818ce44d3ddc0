"""One of two nodes of a Ray cluster dies while both have a job: the other runs both."""

import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from repository_copy import ONE_THREAD, environment, free_port, run
from sweep_repository import assert_done, hashes, prepare, stages

EXPERIMENTS = ("default", "svd")


@contextmanager
def two_nodes(
    repo: Path, folder: Path
) -> Iterator[tuple[subprocess.Popen, subprocess.Popen, str, dict[str, str]]]:
    """The head, the other node, the cluster's address, and the variables with its token."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    # Ray would run the code of whoever reaches its port, without a token.
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    # Each node has room for one job, and another current folder than the sweep.
    node = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus=1"]
    head = [*node, "--head", f"--port={port}", "--include-dashboard=false"]
    nodes = []
    try:
        for command in (head, [*node, f"--address={address}"]):
            variables = environment(repo) | token
            nodes.append(subprocess.Popen(command, cwd=folder, env=variables))
        yield *nodes, address, token
    finally:
        for process in reversed(nodes):
            process.terminate()
            process.wait()


def family(process: subprocess.Popen) -> list[psutil.Process]:
    node = psutil.Process(process.pid)
    return [node, *node.children(recursive=True)]


def has_a_job(node: subprocess.Popen) -> bool:
    for process in family(node):
        with suppress(psutil.Error):
            if {"dvc", "repro"} <= set(process.cmdline()):
                return True
    return False


def lose(node: subprocess.Popen) -> None:
    """Kill a node with everything on it."""
    for process in family(node):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def test_another_node_runs_the_job_of_one_that_is_lost(tmp_path):
    repo, unbroken = tmp_path / "repo", tmp_path / "unbroken"
    repo.mkdir()
    shutil.copytree(prepare(repo, EXPERIMENTS), unbroken, symlinks=True)
    run(unbroken, "dvc", "repro", *stages(*EXPERIMENTS), **ONE_THREAD)
    with two_nodes(repo, tmp_path) as (head, other, address, token):
        cluster = ("hydra/launcher=ray", f"hydra.launcher.address={address}")
        cells = ",".join(f"XS-{experiment}" for experiment in EXPERIMENTS)
        sweep = subprocess.Popen(
            [sys.executable, "-m", "pipelines.sweep", "--multirun", f"cell={cells}", *cluster],
            cwd=repo,
            env=environment(repo) | ONE_THREAD | token,
        )
        while not (has_a_job(head) and has_a_job(other)):
            assert sweep.poll() is None
            time.sleep(0.05)
        lose(other)
        assert sweep.wait() == 0
    assert_done(repo, *EXPERIMENTS)
    for experiment in EXPERIMENTS:
        assert hashes(repo, experiment) == hashes(unbroken, experiment)
