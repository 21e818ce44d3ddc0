"""Fetching: every source, real faults of network and archives, and interruptions."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from frcn import config
from frcn.artefacts import sha256, sha256_file
from frcn.data.devkit import find_tree
from frcn.data.download import download
from frcn.data.fetch import fetch
from frcn.data.shapes import CLASSES
from frcn.data.testing import TINY_CLASSES, assert_is_dataset, write_tiny_tree
from frcn.data.unpack import unpack
from frcn.data.voc import VOCDataset
from frcn.errors import UserError
from range_server import RangeHandler

ENV = "FRCN_TEST_FOLDER"


@pytest.fixture
def tree(tmp_path):
    write_tiny_tree(tmp_path / "original", {"train": 3, "val": 1, "test": 2})
    return tmp_path / "original"


@pytest.fixture
def repo(tmp_path, tree):
    (tmp_path / "repo").mkdir()
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    lines = [f"{sha256_file(path)}  {path.relative_to(tree)}\n" for path in files]
    (tmp_path / "repo/list.sha256").write_text("".join(lines))
    return tmp_path / "repo"


def profile(source, on_invalid="stop"):
    return config.Profile(
        profile="tiny",
        data={
            "root": "data/tiny",
            "source": source,
            "classes": list(TINY_CLASSES),
            "splits": {"train": "train", "test": "test"},
            "on_invalid": on_invalid,
        },
    )


def folder_of(path, on_invalid="stop"):
    return profile({"kind": "folder", "path": str(path)}, on_invalid)


def archive_at(*urls):
    archives = [{"urls": urls}]
    source = {"kind": "archive", "archives": archives, "checksums": "list.sha256"}
    return profile(source | {"folder_env": ENV})


def file_at(*urls, **known):
    return config.PublishedFile(urls=urls, **known)


def pack(tree, target, top="Set-abc/inner"):
    with tarfile.open(target, "w:gz") as tar:
        tar.add(tree, top)
    return target


def out_of(repo):
    return repo / "data/tiny"


def test_a_folder_becomes_a_tree_with_its_manifest(repo, tree):
    manifest = fetch(folder_of(tree), repo, out_of(repo))
    assert manifest == json.loads((out_of(repo) / "manifest.json").read_text())
    assert manifest["splits"]["train"]["images"] == 3
    assert manifest["splits"]["test"]["objects"] == 4
    assert manifest["skipped"] == []
    dataset = VOCDataset(out_of(repo), "test", TINY_CLASSES)
    assert_is_dataset(dataset)
    assert manifest["splits"]["test"]["sha256"] == {
        image_id: dataset.image_hash(i) for i, image_id in enumerate(dataset.ids)
    }
    written = {str(p.relative_to(out_of(repo))) for p in out_of(repo).rglob("*") if p.is_file()}
    assert set(manifest["files"]) == written - {"manifest.json"}
    assert not any("val" in name for name in written)
    for name in written - {"manifest.json"}:
        assert (out_of(repo) / name).read_bytes() == (tree / name).read_bytes()
    assert [path.name for path in out_of(repo).parent.iterdir()] == ["tiny"]


def test_paths_are_relative_to_the_repository_and_know_variables(repo, tree, monkeypatch):
    fetch(folder_of("../original"), repo, out_of(repo))
    monkeypatch.setenv("HERE", str(tree.parent))
    fetch(folder_of("${HERE}/original"), repo, out_of(repo))
    monkeypatch.setenv("HOME", str(tree.parent))
    fetch(folder_of("~/original"), repo, out_of(repo))
    monkeypatch.delenv("HERE")
    with pytest.raises(UserError, match="HERE, which is not set"):
        fetch(folder_of("$HERE/original"), repo, out_of(repo))
    with pytest.raises(UserError, match="nowhere: not found"):
        fetch(folder_of("nowhere"), repo, out_of(repo))


def test_shapes_are_generated(repo):
    source = {"kind": "shapes", "seed": 1, "images": {"train": 2, "test": 1}}
    shapes = profile(source)
    data = shapes.data.model_copy(update={"classes": list(CLASSES)})
    manifest = fetch(shapes.model_copy(update={"data": data}), repo, out_of(repo))
    assert manifest["splits"]["train"]["images"] == 2
    assert f"ImageSets/Main/{CLASSES[0]}_train.txt" in manifest["files"]


def spoil(tree, image_id, pattern, replacement):
    path = tree / f"Annotations/{image_id}.xml"
    path.write_text(re.sub(pattern, replacement, path.read_text(), flags=re.DOTALL))


def test_bad_data_stops_and_leaves_the_old_tree(repo, tree):
    fetch(folder_of(tree), repo, out_of(repo))
    spoil(tree, "train_1", "<name>left", "<name>unheard")
    (tree / "JPEGImages/test_0.jpg").write_bytes(b"")
    with pytest.raises(UserError, match="2 problem") as caught:
        fetch(folder_of(tree), repo, out_of(repo))
    assert "unheard" in str(caught.value) and "test_0.jpg" in str(caught.value)
    assert_is_dataset(VOCDataset(out_of(repo), "train", TINY_CLASSES))


def test_skip_drops_objects_and_images_and_counts_them(repo, tree):
    spoil(tree, "train_0", "<name>left", "<name>unheard")
    spoil(tree, "train_1", "<name>(left|right)", "<name>unheard")
    (tree / "JPEGImages/test_0.jpg").write_bytes(b"")
    before = (tree / "Annotations/train_0.xml").read_bytes()
    manifest = fetch(folder_of(tree, "skip"), repo, out_of(repo))
    train = VOCDataset(out_of(repo), "train", TINY_CLASSES)
    assert train.ids == ["train_0", "train_2"]
    assert train.annotation(0).labels.tolist() == [2]
    assert VOCDataset(out_of(repo), "test", TINY_CLASSES).ids == ["test_1"]
    assert manifest["splits"]["train"] | {"sha256": None} == {
        "images": 2,
        "objects": 3,
        "sha256": None,
    }
    assert [(entry["file"], entry["object"]) for entry in manifest["skipped"]] == [
        ("Annotations/train_0.xml", "object 1 (unheard)"),
        ("Annotations/train_1.xml", "object 1 (unheard)"),
        ("Annotations/train_1.xml", "object 2 (unheard)"),
        ("JPEGImages/test_0.jpg", "picture"),
        ("Annotations/train_1.xml", "annotation"),
    ]
    assert (tree / "Annotations/train_0.xml").read_bytes() == before
    assert not (out_of(repo) / "JPEGImages/test_0.jpg").exists()
    per_class = (out_of(repo) / "ImageSets/Main/left_train.txt").read_text().split("\n")
    assert [line.split()[0] for line in per_class if line] == ["train_0", "train_2"]


def test_skip_never_empties_a_split_or_mends_overlaps(repo, tree):
    for i in range(2):
        (tree / f"JPEGImages/test_{i}.jpg").write_bytes(b"")
    with pytest.raises(UserError, match="No image of split 'test' is left"):
        fetch(folder_of(tree, "skip"), repo, out_of(repo))
    (tree / "ImageSets/Main/test.txt").write_text("train_0\n")
    with pytest.raises(UserError, match="shares 1 image"):
        fetch(folder_of(tree, "skip"), repo, out_of(repo))
    assert not out_of(repo).exists()


def test_an_archive_is_loaded_verified_and_kept(repo, tree, server, monkeypatch):
    monkeypatch.delenv(ENV, raising=False)
    pack(tree, server.folder / "a.tar.gz")
    wanted = archive_at(f"{server.url}/missing.tar.gz", f"{server.url}/a.tar.gz")
    manifest = fetch(wanted, repo, out_of(repo))
    assert manifest["splits"]["train"]["images"] == 3
    fetch(wanted, repo, out_of(repo))
    assert RangeHandler.ranges == [None]  # the second time from the kept archive


def test_the_variable_replaces_the_download_and_is_verified_too(repo, tree, monkeypatch):
    monkeypatch.setenv(ENV, str(tree.parent / "original"))
    fetch(archive_at("http://127.0.0.1:9/none.zip"), repo, out_of(repo))
    (tree / "JPEGImages/val_0.jpg").unlink()
    spoil(tree, "train_0", "<difficult>0", "<difficult>1")
    with pytest.raises(UserError, match=r"2 of \d+ files") as caught:
        fetch(archive_at("http://127.0.0.1:9/none.zip"), repo, out_of(repo))
    assert "JPEGImages/val_0.jpg: not found" in str(caught.value)
    assert "Annotations/train_0.xml: found sha256" in str(caught.value)


def test_a_failed_download_names_both_ways_out(repo, server, monkeypatch):
    monkeypatch.delenv(ENV, raising=False)
    with pytest.raises(UserError, match=f"404(.|\n)*set {ENV} to a folder"):
        fetch(archive_at(f"{server.url}/none.zip"), repo, out_of(repo))


def test_a_download_continues_where_it_stopped(tmp_path, server):
    content = os.urandom(300_000)
    (server.folder / "short.tar.gz").write_bytes(content[:200_000])
    with pytest.raises(UserError, match="200000 of 201000 bytes"):
        download(file_at(f"{server.url}/short.tar.gz"), tmp_path / "kept")
    (part,) = (tmp_path / "kept").iterdir()
    part.write_bytes(part.read_bytes()[:123_456])
    renamed = part.with_name(part.name.replace("short", "whole"))
    (server.folder / "whole.tar.gz").write_bytes(content)
    url = f"{server.url}/whole.tar.gz"
    part.rename(renamed.with_name(f"{sha256(url.encode())[:12]}-whole.tar.gz.part"))
    assert download(file_at(url), tmp_path / "kept").read_bytes() == content
    assert RangeHandler.ranges[-1] == "bytes=123456-"


def test_a_part_that_is_too_long_starts_anew(tmp_path, server):
    (server.folder / "a.zip").write_bytes(b"12345")
    archive = file_at(f"{server.url}/a.zip")
    target = download(archive, tmp_path / "kept")
    target.rename(target.with_name(target.name + ".part")).write_bytes(b"123456789")
    assert download(archive, tmp_path / "kept").read_bytes() == b"12345"


@pytest.mark.parametrize("damage", ["cut", "flip", "other content"])
def test_a_damaged_archive_is_refused_and_removed(repo, tree, server, monkeypatch, damage):
    monkeypatch.delenv(ENV, raising=False)
    if damage == "other content":
        write_tiny_tree(tree, {"train": 3, "val": 1, "test": 2}, seed=1)
    data = bytearray(pack(tree, server.folder / "a.tar.gz").read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "flip":
        data[len(data) // 2] ^= 0xFF
    (server.folder / "a.tar.gz").write_bytes(data)
    with pytest.raises(UserError, match=r"(Removed: .*a\.tar\.gz|was removed)"):
        fetch(archive_at(f"{server.url}/a.tar.gz"), repo, out_of(repo))
    assert not out_of(repo).exists()
    assert list((repo / "artefacts/cache/downloads").iterdir()) == []


def member(name, **values):
    info = tarfile.TarInfo(name)
    for key, value in values.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize(
    "evil",
    [
        member("../evil"),
        member("a/../../evil"),
        member("/evil"),
        member("a\\..\\..\\evil"),
        member("evil", type=tarfile.SYMTYPE, linkname="/etc"),
        member("evil", type=tarfile.LNKTYPE, linkname="good"),
        member("evil", type=tarfile.CHRTYPE),
        member("evil", type=tarfile.FIFOTYPE),
    ],
    ids=lambda info: f"{info.name} {info.type}",
)
def test_a_malicious_tar_is_refused(tmp_path, evil):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.addfile(member("good", size=1), io.BytesIO(b"x"))
        tar.addfile(evil)
    with pytest.raises(UserError, match="Do not use this archive"):
        unpack(tmp_path / "a.tar", tmp_path / "x/y")
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a"), ("n" * 300,)])
def test_names_that_no_folder_can_have_are_told(tmp_path, names):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name in names:
            tar.addfile(member(name, size=1), io.BytesIO(b"x"))
    with pytest.raises(UserError, match=r"a\.tar: can't be unpacked"):
        unpack(tmp_path / "a.tar", tmp_path / "x")


@pytest.mark.parametrize("name", ["../evil", "/evil", "C:\\evil", "link"])
def test_a_malicious_zip_is_refused(tmp_path, name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (0o120777 if name == "link" else 0o100644) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(info, "/etc")
    with pytest.raises(UserError, match="Do not use this archive"):
        unpack(tmp_path / "a.zip", tmp_path / "x/y")
    assert not list(tmp_path.rglob("evil"))


def test_a_zip_unpacks_to_what_went_in(tmp_path, tree):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(tree.rglob("*")):
            file.write(path, path.relative_to(tree.parent))
    unpack(tmp_path / "a.zip", tmp_path / "x")
    assert find_tree(tmp_path / "x") == tmp_path / "x/original"
    for path in (path for path in tree.rglob("*") if path.is_file()):
        assert (tmp_path / "x" / path.relative_to(tree.parent)).read_bytes() == path.read_bytes()


def test_a_tree_must_be_the_only_one(tmp_path):
    for year in ("VOC2007", "VOC2012"):
        write_tiny_tree(tmp_path / "VOCdevkit" / year, {"train": 1})
    assert find_tree(tmp_path / "VOCdevkit/VOC2007") == tmp_path / "VOCdevkit/VOC2007"
    with pytest.raises(UserError, match="several VOC trees: VOCdevkit/VOC2007, VOCdevkit/VOC2012"):
        find_tree(tmp_path)
    with pytest.raises(UserError, match="is no VOC tree"):
        find_tree(tmp_path / "VOCdevkit/VOC2007/JPEGImages")


KILLED = """
import sys, time
from pathlib import Path
import frcn.data.fetch as module
from test_fetch import folder_of
copy = module._copy_image
def slow(*args):
    copy(*args)
    print("copied", flush=True)
    time.sleep(60)
module._copy_image = slow
module.fetch(folder_of(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[2]) / "data/tiny")
"""


def test_a_killed_fetch_never_passes_for_whole(repo, tree):
    command = [sys.executable, "-c", KILLED, str(tree), str(repo)]
    places = [str(Path(__file__).parent), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout.readline() == b"copied\n"
        process.send_signal(signal.SIGKILL)
    assert not out_of(repo).exists()
    fetch(folder_of(tree), repo, out_of(repo))
    assert_is_dataset(VOCDataset(out_of(repo), "train", TINY_CLASSES))
    assert [path.name for path in out_of(repo).parent.iterdir()] == ["tiny"]
