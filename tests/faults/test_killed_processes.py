"""Two processes of one training are killed, and go on to the weights of an unbroken one."""

import torch

from frcn.models import weights
from two_processes import cell_of, in_two, write_processes_world


def test_killed_processes_continue_each_with_its_own_dropout(repo, tmp_path):
    world = tmp_path / "world"
    world.mkdir()
    write_processes_world(world)
    cell = cell_of(repo, {"images_per_batch": 1, "rois_per_batch": 16})
    assert in_two(cell, world, tmp_path / "whole", dropout=0.5).returncode == 0
    killed = in_two(cell, world, tmp_path / "killed", dropout=0.5, killed_after=4)
    assert killed.returncode != 0
    with weights.safe_open(tmp_path / "killed/resume.safetensors", framework="pt") as file:
        assert file.metadata()["step"] == "4"
        own, others = file.get_tensor("random/cpu"), file.get_tensor("random/cpu/1")
    assert not torch.equal(own, others)
    assert in_two(cell, world, tmp_path / "killed", dropout=0.5).returncode == 0
    written = [tmp_path / name / "out/weights.safetensors" for name in ("whole", "killed")]
    assert written[0].read_bytes() == written[1].read_bytes()
    assert not (tmp_path / "killed/resume.safetensors").exists()
