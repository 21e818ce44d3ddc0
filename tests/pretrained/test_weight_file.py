"""Published files: found where they should be, checked, and what is said when they are not."""

import hashlib
import re

import pytest

from frcn.config import PublishedFile
from frcn.errors import UserError
from frcn.pretrained.weight_file import find

CONTENT = b"weights, as they were published"
MD5 = hashlib.md5(CONTENT).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PAGE = b"\n <!DOCTYPE html><html><body>This file is no longer available.</body></html>"


def with_md5(*urls: str) -> PublishedFile:
    return PublishedFile(urls=urls or ("https://example.org/models.tgz",), md5=MD5)


def with_sha256() -> PublishedFile:
    return PublishedFile(urls=["https://example.org/vgg16.pth"], sha256=SHA256)


both_kinds = pytest.mark.parametrize(
    ("published", "checksum"),
    [(with_md5, f"md5 {MD5}"), (with_sha256, f"sha256 {SHA256}")],
)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """The folder of local copies."""
    monkeypatch.setenv("FRCN_WEIGHTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """A repository without local copies, beside a folder that its mirrors lie in."""
    monkeypatch.delenv("FRCN_WEIGHTS", raising=False)
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    return tmp_path


@both_kinds
def test_a_good_copy_is_found(published, checksum, folder):
    path = folder / published().name
    path.write_bytes(CONTENT)
    assert find(published()) == path


@both_kinds
def test_a_missing_copy(published, checksum, folder):
    with pytest.raises(UserError) as error:
        find(published())
    name, (url,) = published().name, published().urls
    assert str(error.value) == (
        f"{folder / name}: not found. Get {name} ({checksum}) from {url}, or a copy from anywhere,"
        " put it into a folder, and set FRCN_WEIGHTS to that folder."
    )


@both_kinds
@pytest.mark.parametrize("content", [CONTENT[:-1], b""], ids=["truncated", "empty"])
def test_another_file_than_was_published(published, checksum, content, folder):
    path = folder / published().name
    path.write_bytes(content)
    algorithm, wanted = checksum.split()
    found = hashlib.new(algorithm, content).hexdigest()
    message = f"{path}: has {algorithm} {found}, wanted {wanted}. Get"
    with pytest.raises(UserError, match=re.escape(message)):
        find(published())
    assert path.read_bytes() == content  # it is the user's


def test_the_first_mirror_that_works_is_kept_for_the_next_time(elsewhere):
    mirror = elsewhere / "models.tgz"
    mirror.write_bytes(CONTENT)
    wanted = with_md5((elsewhere / "gone.tgz").as_uri(), mirror.as_uri())
    path = find(wanted)
    assert path.read_bytes() == CONTENT
    mirror.unlink()
    assert find(wanted) == path


def test_a_mirror_that_gives_a_web_page(elsewhere):
    mirror = elsewhere / "models.tgz"
    mirror.write_bytes(PAGE)
    with pytest.raises(UserError, match=r"(?s)what came is an HTML page.*it was removed"):
        find(with_md5(mirror.as_uri()))
    mirror.write_bytes(CONTENT)
    assert find(with_md5(mirror.as_uri())).read_bytes() == CONTENT


def test_no_mirror_works(elsewhere):
    gone = [(elsewhere / name).as_uri() for name in ("one.tgz", "two.tgz")]
    with pytest.raises(UserError) as error:
        find(with_md5(*gone))
    message = str(error.value)
    assert all(message.count(url) >= 2 for url in gone)  # with the reason, and in the remedy
    assert f"md5 {MD5}" in message
    assert "set FRCN_WEIGHTS to that folder" in message
