"""Files that the system refuses to write: at a limit of their size, in a folder without rights."""

import os
import resource
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from frcn.artefacts import atomic_path, write_json
from frcn.errors import UserError
from frcn.models import weights

LARGEST = 20_000
NOBODY = 65534
NUMBERS = np.random.default_rng(0).random(10_000)


@pytest.fixture
def limit():
    """No file may grow beyond ``LARGEST`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _weights(path: Path) -> None:
    tensors = {"a": torch.from_numpy(NUMBERS)}
    weights.save(path, tensors, "XS", weights.PREPROCESSING)


def _array(path: Path) -> None:
    with atomic_path(path) as temporary:
        np.save(temporary, NUMBERS)


def _parquet(path: Path) -> None:
    with atomic_path(path) as temporary:
        pd.DataFrame({"a": NUMBERS}).to_parquet(temporary)


def _csv(path: Path) -> None:
    with atomic_path(path) as temporary:
        pd.DataFrame({"a": NUMBERS}).to_csv(temporary)


def _json(path: Path) -> None:
    write_json(path, NUMBERS.tolist())


WRITERS = {
    "weights.safetensors": _weights,
    "boxes.npy": _array,
    "detections.parquet": _parquet,
    "loss.csv": _csv,
    "train.json": _json,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_keeps_the_old_file_and_names_it(name, tmp_path, limit):
    path = tmp_path / name
    path.write_bytes(b"as it was")
    with pytest.raises(UserError, match=rf"{name}: can't be written, the disk is full.*Free some"):
        WRITERS[name](path)
    assert path.read_bytes() == b"as it was"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", WRITERS)
def test_with_space_the_same_is_written(name, tmp_path):
    WRITERS[name](tmp_path / name)
    assert (tmp_path / name).stat().st_size > LARGEST


def test_a_folder_without_rights(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir(mode=0o500)
    user = os.geteuid()
    try:
        if user == 0:  # who may write anywhere
            os.seteuid(NOBODY)
        with pytest.raises(UserError, match=r"a\.json: can't be written, Permission denied\. See"):
            write_json(folder / "a.json", {})
    finally:
        os.seteuid(user)
    assert not list(folder.iterdir())
