"""A network's weights from the file that its config names: backbone, or the original's detector."""

import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frcn.artefacts import refusals_told, write_json
from frcn.caffe.convert import convert
from frcn.config import CaffeWeights, Network
from frcn.data.unpack import BROKEN
from frcn.errors import UserError
from frcn.pretrained import torchvision_vgg16
from frcn.pretrained.pyramid import put_behind_pyramid
from frcn.pretrained.weight_file import find

DETECTOR_CLASSES = 21
"""VOC07's 20 and the background (FACTS §1.3)."""


def import_backbone(network: Network, pooling: str, out: Path) -> None:
    """Write trunk, fc6 and fc7 as trained on ImageNet, and a summary beside.

    With ``pooling: pyramid`` fc6 is made to fit SPP-net's (``frcn.pretrained.pyramid``).

    Raises:
        UserError: the file can't be had, is not the published one, or is not of this network.
    """
    source = network.weights
    path = find(source.file)
    if source.kind == "torchvision":
        layers = torchvision_vgg16.convert(path, network.name, out)
    else:
        with _caffemodel(source, path, out.parent) as caffemodel:
            layers = convert(caffemodel, network.name, out)
    if pooling == "pyramid":
        put_behind_pyramid(out, network.name)
    write_json(out.with_suffix(".json"), {"file": source.file.name, "layers": layers})


def import_detector(network: Network, out: Path) -> None:
    """Write the original's trained detector. Its ``bbox_pred`` needs nothing: as in our own final
    weights, the targets' mean and deviation are in it already (FACTS §1.7).

    Raises:
        UserError: as :func:`import_backbone`.
    """
    source = network.published
    with _caffemodel(source, find(source.file), out.parent) as caffemodel:
        convert(caffemodel, network.name, out, DETECTOR_CLASSES)


@contextmanager
def _caffemodel(source: CaffeWeights, path: Path, scratch: Path) -> Iterator[Path]:
    """The caffemodel: the file itself, or its member in ``scratch`` for a while."""
    if source.member is None:
        yield path
        return
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        target = Path(folder) / source.member
        with refusals_told(target):
            _extract(path, source.member, target)
        yield target


def _extract(archive: Path, name: str, target: Path) -> None:
    """The member of that file name, in whichever folder of the archive it lies."""
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.isfile() and Path(member.name).name == name:
                    with tar.extractfile(member) as content, target.open("wb") as file:
                        shutil.copyfileobj(content, file)
                    return
            names = ", ".join(tar.getnames())
    except BROKEN:
        raise UserError(
            f"{archive}: no sound tar archive, wanted one with {name} in it. Replace it by a good"
            " copy."
        ) from None
    raise UserError(
        f"{archive}: has no file {name}, only {names}. Give the archive that the config names."
    )
