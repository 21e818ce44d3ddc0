"""Published files: found where they should be, checked, and what is said when they are not."""

import hashlib
import re

import pytest

from frcn.config import CaffeWeights, TorchvisionWeights
from frcn.errors import UserError
from frcn.pretrained.published_file import find

CONTENT = b"weights, as they were published"
MD5 = hashlib.md5(CONTENT).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PAGE = b"\n <!DOCTYPE html><html><body>This file is no longer available.</body></html>"


def caffe(*urls: str) -> CaffeWeights:
    urls = urls or ("https://example.org/models.tgz",)
    return CaffeWeights(kind="caffe", file="models.tgz", urls=urls, md5=MD5)


def torchvision(*urls: str) -> TorchvisionWeights:
    urls = urls or (f"https://example.org/vgg16-{SHA256[:8]}.pth",)
    return TorchvisionWeights(kind="torchvision", file=f"vgg16-{SHA256[:8]}.pth", urls=urls)


both_kinds = pytest.mark.parametrize(
    ("published", "checksum"),
    [(caffe, f"md5 {MD5}"), (torchvision, f"sha256 {SHA256[:8]}")],
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
    path = folder / published().file
    path.write_bytes(CONTENT)
    assert find(published()) == path


@both_kinds
def test_a_missing_copy(published, checksum, folder):
    with pytest.raises(UserError) as error:
        find(published())
    file, (url,) = published().file, published().urls
    assert str(error.value) == (
        f"{folder / file}: not found. Get {file} ({checksum}) from {url}, or a copy from anywhere,"
        " put it into a folder, and set FRCN_WEIGHTS to that folder."
    )


@both_kinds
@pytest.mark.parametrize(
    ("content", "kind"), [(CONTENT[:-1], ". Get"), (b"", ". Get"), (PAGE, ", and it is a web page")]
)
def test_another_file_than_was_published(published, checksum, content, kind, folder):
    path = folder / published().file
    path.write_bytes(content)
    algorithm, wanted = checksum.split()
    found = hashlib.new(algorithm, content).hexdigest()[: len(wanted)]
    message = f"{path}: not the file that was published: {algorithm} {found} found, {wanted} wanted"
    with pytest.raises(UserError, match=re.escape(message + kind)):
        find(published())
    assert path.read_bytes() == content  # it is the user's


def test_the_first_mirror_that_works_is_kept_for_the_next_time(elsewhere):
    mirror = elsewhere / "models.tgz"
    mirror.write_bytes(CONTENT)
    wanted = caffe((elsewhere / "gone.tgz").as_uri(), mirror.as_uri())
    path = find(wanted)
    assert path.read_bytes() == CONTENT
    mirror.unlink()
    assert find(wanted) == path


def test_a_mirror_that_gives_a_web_page(elsewhere):
    mirror = elsewhere / "models.tgz"
    mirror.write_bytes(PAGE)
    with pytest.raises(UserError, match=r"(?s)it is a web page.*The download is removed"):
        find(caffe(mirror.as_uri()))
    mirror.write_bytes(CONTENT)
    assert find(caffe(mirror.as_uri())).read_bytes() == CONTENT


def test_no_mirror_works(elsewhere):
    gone = [(elsewhere / name).as_uri() for name in ("one.tgz", "two.tgz")]
    with pytest.raises(UserError) as error:
        find(caffe(*gone))
    message = str(error.value)
    assert all(message.count(url) == 2 for url in gone)  # with the reason, and in the remedy
    assert f"md5 {MD5}" in message
    assert "set FRCN_WEIGHTS to that folder" in message
