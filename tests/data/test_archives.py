"""A devkit of several archives: mirrors, checksums, full disks, local copies, and one tree."""

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcn import config
from frcn.data import disk
from frcn.data.download import bytes_missing, download
from frcn.data.fetch import fetch
from frcn.data.file_check import fault
from frcn.data.testing import TINY_CLASSES, assert_is_dataset, write_tiny_tree
from frcn.data.voc import VOCDataset
from frcn.errors import UserError
from range_server import RangeHandler

ENV = "FRCN_TEST_DEVKIT"
TREES = {"VOC2007": {"training": "training", "test": "test"}, "VOC2012": {"training_12": "extra"}}
ARCHIVES = ("training-2007.tar", "test-2007.tar", "training-2012.tar")


@pytest.fixture(autouse=True)
def _no_local_copy(monkeypatch):
    monkeypatch.delenv(ENV, raising=False)


@pytest.fixture
def devkit(tmp_path):
    """Two trees as VOC has them; the ids of their images differ."""
    folder = tmp_path / "VOCdevkit"
    write_tiny_tree(folder / "VOC2007", {"training": 3, "test": 2})
    write_tiny_tree(folder / "VOC2012", {"training_12": 4}, seed=1)
    return folder


@pytest.fixture
def packed(tmp_path, devkit):
    """Three archives, two of which fill the same tree, as those of VOC2007 do."""
    folder = tmp_path / "packed"
    folder.mkdir()
    for name, tree, image_set in zip(
        ARCHIVES,
        ("VOC2007", "VOC2007", "VOC2012"),
        ("training", "test", "training_12"),
        strict=True,
    ):
        with tarfile.open(folder / name, "w") as tar:
            for path in sorted((devkit / tree).rglob(f"*{image_set}*")):
                tar.add(path, path.relative_to(devkit.parent))
    return folder


def known(path, algorithm="md5"):
    data = path.read_bytes()
    return {"size": len(data), algorithm: hashlib.new(algorithm, data).hexdigest()}


def profile_of(packed, *hosts):
    archives = [
        {"urls": [f"{host}/{name}" for host in hosts]} | known(packed / name) for name in ARCHIVES
    ]
    return config.Profile(
        profile="tiny",
        data={
            "root": "data/tiny",
            "source": {
                "kind": "archive",
                "archives": archives,
                "trees": TREES,
                "folder_env": ENV,
            },
            "classes": list(TINY_CLASSES),
            "splits": {"trainval": "training", "more": "extra", "test": "test"},
        },
    )


def fetched(profile, repo):
    repo.mkdir(exist_ok=True)
    return fetch(profile, repo, repo / "data/tiny")


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def assert_is_whole(manifest, tree, devkit):
    """The tree has what the devkit has, its training set of 2012 under the name ``extra``."""
    counts = {
        name: (split["images"], split["objects"]) for name, split in manifest["splits"].items()
    }
    assert counts == {"trainval": (3, 6), "more": (4, 8), "test": (2, 4)}
    assert manifest == json.loads((tree / "manifest.json").read_text())
    for year in TREES:
        for path in (path for path in (devkit / year).rglob("*") if path.is_file()):
            name = path.relative_to(devkit / year).as_posix()
            if name.startswith("ImageSets"):
                name = name.replace("training_12", "extra")
            assert not (tree / name).is_symlink()
            assert (tree / name).read_bytes() == path.read_bytes()
            assert manifest["files"][name] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "ImageSets/Main/left_extra.txt" in manifest["files"]
    assert len(manifest["files"]) == 9 * 2 + 3 * 3  # pictures with annotations, sets with classes
    for image_set in ("training", "extra", "test"):
        assert_is_dataset(VOCDataset(tree, image_set, TINY_CLASSES))


def test_three_archives_become_one_tree(tmp_path, server, devkit, packed, capsys):
    shutil.copytree(packed, server.folder, dirs_exist_ok=True)
    repo = tmp_path / "repo"
    manifest = fetched(profile_of(packed, server.url), repo)
    assert_is_whole(manifest, repo / "data/tiny", devkit)
    assert [path.name for path in (repo / "data").iterdir()] == ["tiny"]
    assert "B/s" in capsys.readouterr().err
    assert fetched(profile_of(packed, server.url), repo) == manifest
    assert RangeHandler.ranges == [None] * 3  # the second time from the kept archives


DAMAGES = {
    "flipped": (lambda data: data[:700] + bytes([data[700] ^ 1]) + data[701:], "has md5 "),
    "cut": (lambda data: data[:-512], "bytes are offered, wanted "),
    "too long": (lambda data: data + b"\0", "bytes are offered, wanted "),
    "a page": (lambda data: b"\n<!DOCTYPE html><title>Log in".ljust(len(data)), "an HTML page"),
}


@pytest.mark.parametrize(("damage", "words"), DAMAGES.values(), ids=DAMAGES)
def test_a_bad_mirror_is_named_and_the_next_is_tried(tmp_path, server, packed, damage, words):
    good = (packed / ARCHIVES[0]).read_bytes()
    for host in ("bad", "good"):
        (server.folder / host).mkdir()
        (server.folder / host / "a.tar").write_bytes(good if host == "good" else damage(good))
    bad, better = (f"{server.url}/{host}/a.tar" for host in ("bad", "good"))
    wanted = known(packed / ARCHIVES[0])
    kept = tmp_path / "kept"
    with pytest.raises(UserError, match=words) as caught:
        download(config.PublishedFile(urls=[bad], **wanted), kept)
    assert bad in str(caught.value)
    assert files_below(kept) == []
    archive = config.PublishedFile(urls=[bad, better], **wanted)
    target = download(archive, kept)
    assert target.read_bytes() == good
    assert files_below(kept) == [target.name]
    assert bytes_missing(archive, kept) == 0


def test_a_page_does_not_replace_what_has_arrived(tmp_path, server, packed):
    good = (packed / ARCHIVES[0]).read_bytes()
    (server.folder / "page.tar").write_bytes(good)
    archive = config.PublishedFile(urls=[f"{server.url}/page.tar"], **known(packed / ARCHIVES[0]))
    with pytest.raises(UserError, match="an HTML page: a login"):
        download(archive, tmp_path / "kept")
    assert files_below(tmp_path / "kept") == []


def interrupted(server, kept, content, arrived):
    """An archive of which ``arrived`` are the bytes that an earlier attempt left."""
    (server.folder / "a.tar").write_bytes(content)
    archive = config.PublishedFile(urls=[f"{server.url}/a.tar"], **known(server.folder / "a.tar"))
    target = download(archive, kept)
    target.unlink()
    target.with_name(target.name + ".part").write_bytes(arrived)
    RangeHandler.ranges.clear()
    return archive


@pytest.mark.parametrize("cut", [1, 512, 65_536, 99_999])
def test_a_download_continues_from_any_byte(tmp_path, server, cut):
    content = os.urandom(100_000)
    archive = interrupted(server, tmp_path / "kept", content, content[:cut])
    assert bytes_missing(archive, tmp_path / "kept") == 100_000 - cut
    assert download(archive, tmp_path / "kept").read_bytes() == content
    assert RangeHandler.ranges == [f"bytes={cut}-"]


def test_another_mirror_continues_what_the_first_began(tmp_path, server):
    content = os.urandom(1000)
    archive = interrupted(server, tmp_path / "kept", content, content[:300])
    (server.folder / "mirror").mkdir()
    (server.folder / "a.tar").rename(server.folder / "mirror/a.tar")
    mirrors = [*archive.urls, f"{server.url}/mirror/a.tar"]
    target = download(archive.model_copy(update={"urls": mirrors}), tmp_path / "kept")
    assert target.read_bytes() == content
    assert RangeHandler.ranges == ["bytes=300-"]  # the first has it no more
    assert files_below(tmp_path / "kept") == [target.name]


def test_what_has_arrived_in_full_is_checked_and_not_loaded_again(tmp_path, server):
    content = os.urandom(1000)
    archive = interrupted(server, tmp_path / "kept", content, content)
    assert download(archive, tmp_path / "kept").read_bytes() == content
    assert RangeHandler.ranges == []


def test_a_damaged_beginning_never_becomes_a_whole(tmp_path, server):
    content = os.urandom(1000)
    archive = interrupted(server, tmp_path / "kept", content, b"\0" * 500)
    with pytest.raises(UserError, match=r"has md5 .*; it was removed"):
        download(archive, tmp_path / "kept")
    assert download(archive, tmp_path / "kept").read_bytes() == content
    assert RangeHandler.ranges == ["bytes=500-", None]


def test_a_kept_archive_that_went_bad_is_loaded_again(tmp_path, server):
    (server.folder / "a.tar").write_bytes(b"abc")
    archive = config.PublishedFile(urls=[f"{server.url}/a.tar"], **known(server.folder / "a.tar"))
    target = download(archive, tmp_path / "kept")
    target.write_bytes(b"abd")
    assert download(archive, tmp_path / "kept").read_bytes() == b"abc"


@given(st.data())
def test_every_changed_byte_and_length_is_a_fault(tmp_path_factory, data):
    content = b"tar" + data.draw(st.binary(max_size=600))
    algorithm = data.draw(st.sampled_from(["md5", "sha256"]))
    path = tmp_path_factory.mktemp("check") / "a.tar"
    path.write_bytes(content)
    archive = config.PublishedFile(urls=["http://host/a.tar"], **known(path, algorithm))
    assert fault(path, archive) is None
    place = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:place])
    assert f"has {place} bytes, wanted {len(content)}" == fault(path, archive)
    flipped = bytearray(content)
    flipped[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(flipped)
    assert fault(path, archive).startswith(f"has {algorithm} ")


if Path("/dev/full").exists():  # the device that every write finds full

    def test_a_disk_that_fills_up_while_downloading(tmp_path, server, packed):
        shutil.copytree(packed, server.folder, dirs_exist_ok=True)
        repo = tmp_path / "repo"
        profile = profile_of(packed, server.url)
        fetched(profile, repo)
        before = files_below(repo)
        (kept,) = (repo / "artefacts").rglob(f"*{ARCHIVES[1]}")
        kept.unlink()
        kept.with_name(f"{kept.name}.part").symlink_to("/dev/full")
        with pytest.raises(UserError, match="no space is left on the disk") as caught:
            fetched(profile, repo)
        assert len(str(caught.value).splitlines()) == 1
        before.remove(str(kept.relative_to(repo)))
        assert files_below(repo) == before  # the old tree, and the archives that were whole
        assert not kept.with_name(f"{kept.name}.part").is_symlink()


@pytest.mark.parametrize("function", ["copyfileobj", "copyfile"])
def test_a_disk_that_fills_up_later(tmp_path, server, packed, monkeypatch, function):
    """While unpacking (``copyfileobj``) and while the tree is made (``copyfile``)."""
    shutil.copytree(packed, server.folder, dirs_exist_ok=True)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, function, full)
    with pytest.raises(UserError, match="tiny: no space is left on the disk"):
        fetched(profile_of(packed, server.url), tmp_path / "repo")
    assert files_below(tmp_path / "repo/data") == []
    monkeypatch.undo()
    assert fetched(profile_of(packed, server.url), tmp_path / "repo")["splits"]


def test_space_is_asked_for_before_anything_is_loaded(tmp_path, server, packed, monkeypatch):
    shutil.copytree(packed, server.folder, dirs_exist_ok=True)
    total = sum((packed / name).stat().st_size for name in ARCHIVES)
    profile = profile_of(packed, server.url)
    usage = shutil.disk_usage(tmp_path)
    free = 3 * total - 1
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage._replace(free=free))
    with pytest.raises(UserError, match=r"GB are free .* wanted .* nothing was downloaded"):
        fetched(profile, tmp_path / "repo")
    assert RangeHandler.ranges == []
    free += 1
    assert fetched(profile, tmp_path / "repo")["splits"]
    free = 2 * total  # the archives are there now
    assert fetched(profile, tmp_path / "repo")["splits"]


def test_a_folder_with_the_archives_is_as_good(tmp_path, devkit, packed, monkeypatch):
    monkeypatch.setenv(ENV, str(packed))
    profile = profile_of(packed, "http://127.0.0.1:9")
    assert_is_whole(fetched(profile, tmp_path / "repo"), tmp_path / "repo/data/tiny", devkit)
    for name, content in ((ARCHIVES[0], b"<html>"), (ARCHIVES[2], b"short")):
        (packed / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        fetched(profile, tmp_path / "repo")
    assert f"{ARCHIVES[0]}: is an HTML page" in str(caught.value)
    assert f"{ARCHIVES[2]}: has 5 bytes, wanted" in str(caught.value)
    assert ARCHIVES[1] not in str(caught.value)
    assert files_below(packed) == sorted(ARCHIVES)  # a user's files are never removed


@pytest.mark.parametrize("place", ["VOCdevkit", "."])
def test_an_unpacked_devkit_is_as_good(tmp_path, devkit, packed, monkeypatch, place):
    profile = profile_of(packed, "http://127.0.0.1:9")
    monkeypatch.setenv(ENV, str(devkit.parent / place))
    assert_is_whole(fetched(profile, tmp_path / "repo"), tmp_path / "repo/data/tiny", devkit)


def test_what_a_devkit_lacks_is_named(tmp_path, devkit, packed, monkeypatch):
    monkeypatch.setenv(ENV, str(devkit))
    profile = profile_of(packed, "http://127.0.0.1:9")
    for tree, image_set in (("VOC2007", "test"), ("VOC2012", "training_12")):
        (devkit / tree / f"ImageSets/Main/{image_set}.txt").unlink()
    with pytest.raises(UserError) as caught:
        fetched(profile, tmp_path / "repo")
    for missing in ("VOC2007/ImageSets/Main/test.txt", "VOC2012/ImageSets/Main/training_12.txt"):
        assert f"{devkit}/{missing}" in str(caught.value)
    shutil.rmtree(devkit / "VOC2012")
    with pytest.raises(UserError, match="has no VOC tree VOC2012") as caught:
        fetched(profile, tmp_path / "repo")
    assert f"has no {', '.join(ARCHIVES)}." in str(caught.value)
    assert not (tmp_path / "repo/data/tiny").exists()


def test_images_of_one_id_in_two_trees_are_refused(tmp_path, devkit, packed, monkeypatch):
    monkeypatch.setenv(ENV, str(devkit))
    write_tiny_tree(devkit / "VOC2012", {"training": 1})
    (devkit / "VOC2012/ImageSets/Main/training_12.txt").write_text("training_0\n")
    with pytest.raises(UserError, match="both have an image 'training_0'"):
        fetched(profile_of(packed, "http://127.0.0.1:9"), tmp_path / "repo")


def test_problems_are_told_of_the_data_and_not_of_a_folder_that_is_gone(
    tmp_path, devkit, packed, monkeypatch
):
    monkeypatch.setenv(ENV, str(devkit))
    (devkit / "VOC2012/JPEGImages/training_12_1.jpg").write_bytes(b"")
    with pytest.raises(UserError, match=r"^the data of tiny: 1 problem") as caught:
        fetched(profile_of(packed, "http://127.0.0.1:9"), tmp_path / "repo")
    assert "JPEGImages/training_12_1.jpg: picture" in str(caught.value)


def test_an_id_that_is_a_path_is_not_followed(tmp_path, devkit, packed, monkeypatch):
    monkeypatch.setenv(ENV, str(devkit))
    listed = devkit / "VOC2012/ImageSets/Main/training_12.txt"
    listed.write_text("../../escaped\n" + listed.read_text())
    with pytest.raises(UserError, match=r"'../../escaped' is a path"):
        fetched(profile_of(packed, "http://127.0.0.1:9"), tmp_path / "repo")
    assert not list(tmp_path.rglob("escaped*"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"archives": [{"urls": ["http://host/a.tar"], "size": 3}]}, "give `checksums`"),
        ({"archives": [{"urls": []}]}, "at least 1 item"),
        ({"archives": [{"urls": ["http://host/a.tar"], "md5": "123"}]}, "md5"),
        ({"trees": {"VOC2007": {"test": "test"}}}, "gives no image set 'extra'"),
        ({"trees": TREES | {"VOC2012": {"training_12": "test"}}}, "to be called 'test'"),
    ],
)
def test_a_config_that_cannot_work_is_refused(packed, change, message):
    values = profile_of(packed, "http://host").model_dump()
    values["data"]["source"] |= change
    with pytest.raises(UserError, match=message):
        config.validate(config.Profile, values, "here")


FETCH = """
import sys
from pathlib import Path
from frcn import config
from frcn.data.fetch import fetch
repo = Path(sys.argv[1])
fetch(config.Profile.model_validate_json(sys.argv[2]), repo, repo / "data/tiny")
"""


def test_a_killed_download_continues_to_the_same_tree(
    tmp_path, server, devkit, packed, monkeypatch
):
    shutil.copytree(packed, server.folder / "stalled")
    profile = profile_of(packed, f"{server.url}/stalled")
    repo = tmp_path / "repo"
    command = [sys.executable, "-c", FETCH, str(repo), profile.model_dump_json()]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment) as process:
        while not (parts := [p for p in repo.rglob("*.part") if p.stat().st_size]):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    (part,) = parts
    arrived = part.stat().st_size
    assert 0 < arrived < (packed / ARCHIVES[0]).stat().st_size
    assert not (repo / "data/tiny").exists()
    RangeHandler.resumed.set()
    manifest = fetched(profile, repo)
    assert RangeHandler.ranges == [None, f"bytes={arrived}-", None, None]
    assert_is_whole(manifest, repo / "data/tiny", devkit)
    assert [path.name for path in (repo / "data").iterdir()] == ["tiny"]
    monkeypatch.setenv(ENV, str(packed))
    assert fetched(profile, tmp_path / "uninterrupted") == manifest
