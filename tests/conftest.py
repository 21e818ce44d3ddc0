"""What tests share: the repository, and every config that conf/ can compose."""

import signal
import sys
from functools import cache
from pathlib import Path

import cv2
import pytest
import torch
import yaml
from hypothesis import settings

REPO = Path(__file__).parents[1]
# `pytest` alone, unlike `python -m pytest`, does not put the current folder there.
sys.path.insert(0, str(REPO))

from frcn.config import Cell  # noqa: E402
from pipelines import compose  # noqa: E402
from tiny_repository import write_tiny_repository  # noqa: E402

# A loaded machine is no failure.
settings.register_profile("frcn", deadline=None)
settings.load_profile("frcn")
# A job in a shell's background ignores Ctrl-C, and so would every process that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no process is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """The tests' tensors are small: threads cost more than they give, and workers share cores."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


@pytest.fixture
def repo() -> Path:
    """The root of the repository."""
    return REPO


@pytest.fixture(scope="session")
def tiny_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose profile ``mini`` is tiny and was run; a test that changes it copies it."""
    root = tmp_path_factory.mktemp("tiny")
    write_tiny_repository(root)
    return root


def cell_keys() -> list[tuple[str, str, str]]:
    """(profile, network, experiment) of every cell, found by globbing conf/, not composed."""

    def plan(group: str, name: str) -> dict:
        return yaml.safe_load((REPO / "conf" / group / f"{name}.yaml").read_text()).get("plan", {})

    return [
        (profile, network, experiment)
        for profile in compose.names("profile", REPO / "conf")
        for network in plan("profile", profile)["networks"]
        for experiment in compose.names("experiment", REPO / "conf")
        if experiment not in plan("profile", profile).get("without", [])
        and network in plan("experiment", experiment).get("only_networks", [network])
        and profile in plan("experiment", experiment).get("only_profiles", [profile])
    ]


@cache
def _compose(profile: str, network: str, experiment: str) -> Cell | None:
    return compose.compose_cell(profile, network, experiment, REPO / "conf")


@pytest.fixture
def composed_cell(request: pytest.FixtureRequest) -> Cell:
    """A test with this argument runs once for each cell of each profile."""
    return _compose(*request.param)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "composed_cell" in metafunc.fixturenames:
        keys = cell_keys()
        names = ["-".join(key) for key in keys]
        metafunc.parametrize("composed_cell", keys, indirect=True, ids=names)
