"""Files that are whole or absent, and hashes of content."""

import hashlib
import os
import stat

import pytest

from frcn import artefacts
from frcn.errors import UserError


def test_hashes(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    expected = hashlib.sha256(b"abc").hexdigest()
    assert artefacts.sha256(b"abc") == artefacts.sha256_file(path) == expected
    first, second = {"a": 1, "b": [1, {"c": 2.5, "d": None}]}, {"b": [1, {"d": None, "c": 2.5}]}
    assert artefacts.sha256_json(first) == artefacts.sha256_json(second | {"a": 1})
    assert artefacts.sha256_json(first) != artefacts.sha256_json(first | {"a": 2})


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "new" / "result.json"
    with pytest.raises(OSError, match="full"), artefacts.atomic_path(path) as temporary:
        temporary.write_text("half")
        raise OSError("disk full")
    assert list(path.parent.iterdir()) == []
    artefacts.write_text(path, "old")
    with pytest.raises(OSError, match="full"), artefacts.atomic_path(path) as temporary:
        temporary.write_text("half")
        assert path.read_text() == "old"
        raise OSError("disk full")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_temporary_file_is_beside_with_the_same_suffix(tmp_path):
    with artefacts.atomic_path(tmp_path / "weights.safetensors") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".safetensors"


def test_ordinary_permissions(tmp_path):
    old = os.umask(0o027)
    try:
        artefacts.write_bytes(tmp_path / "file", b"x")
    finally:
        assert os.umask(old) == 0o027
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_json(tmp_path):
    path = tmp_path / "value.json"
    artefacts.write_json(path, {"größe": [1, None]})
    assert artefacts.read_json(path) == {"größe": [1, None]}
    with pytest.raises(ValueError, match="JSON"):
        artefacts.write_json(path, float("nan"))
    assert artefacts.read_json(path) == {"größe": [1, None]}
    with pytest.raises(UserError, match=r"none\.json: not found"):
        artefacts.read_json(tmp_path / "none.json")
    path.write_text('{"a": ')
    with pytest.raises(UserError, match=r"value\.json: not valid JSON"):
        artefacts.read_json(path)
