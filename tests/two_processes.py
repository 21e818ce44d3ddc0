"""Fast R-CNN trained by two processes that torchrun starts on this machine."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tiny_world import tiny_cell, write_weights, write_world

SCRIPT = """
import sys
from pathlib import Path
import torch
from frcn.config import Cell, load
from frcn.learning.caffe_sgd import CaffeSGD
from frcn.models import region_net
from frcn.systems.fast_rcnn import fit
from tiny_world import open_source
torch.set_num_threads(1)
world, folder, dropout, killed_after = Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]
region_net.DROPOUT = float(dropout)
step = CaffeSGD.step
def killed(optimiser, number):
    step(optimiser, number)
    if number == int(killed_after):
        raise SystemExit("killed")
CaffeSGD.step = killed
fit(load(Cell, folder / "cell.yaml"), [open_source(world, "trainval")],
    world / "parent.safetensors", 0, folder / "out", folder / "resume.safetensors")
"""
NEVER = 1000


def write_processes_world(root: Path) -> Path:
    """Six pictures, weights to start from, and the script that each process runs."""
    write_world(root, {"trainval": 6})
    write_weights(root / "parent.safetensors", bbox_reg=False)
    (root / "script.py").write_text(SCRIPT)
    return root


def cell_of(repo, sampling, **changes):
    solver = {"iterations": 6, "checkpoint_every": 4, "base_lr": 0.01, "step_size": 1200}
    return tiny_cell(repo, train={"solver": solver, "sampling": sampling} | changes)


def in_two(cell, world, folder, dropout, killed_after=NEVER):
    folder.mkdir(exist_ok=True)
    (folder / "cell.yaml").write_text(yaml.safe_dump(cell.model_dump()))
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    arguments = (world / "script.py", world, folder, dropout, killed_after)
    return subprocess.run(
        [sys.executable, *torchrun, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
