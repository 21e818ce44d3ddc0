"""What processes do without: a stage starts often, and these take seconds to import."""

import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("modules", "spared"),
    [
        (["collect", "reproduce", "score", "sweep_job"], {"torch", "matplotlib", "mlflow"}),
        (["report"], {"torch", "mlflow"}),
    ],
)
def test_pipelines_start_without(modules, spared):
    assert spared & imported(*(f"pipelines.{module}" for module in modules)) == set()


def test_networks_start_without_torchs_compiler():
    """torchvision brings it; a GPU alone needs torchvision."""
    systems = [f"frcn.systems.{name}" for name in ("fast_rcnn", "rcnn", "spp_net")]
    assert {"torchvision", "torch._dynamo"} & imported(*systems) == set()


def imported(*modules: str) -> set[str]:
    """Names of all modules that a process has once it has imported these."""
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True)
    assert set(modules) <= set(result.stdout.split())
    return set(result.stdout.split())
