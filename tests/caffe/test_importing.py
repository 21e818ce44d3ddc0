"""Backbones and the original's detectors from archives of caffemodels, as the stages make them."""

import hashlib
import io
import json
import tarfile

import numpy as np
import pytest
import torch
from caffe_writer import caffemodel

from frcn.config import Cell, Network
from frcn.errors import UserError
from frcn.learning.starting_network import start_from
from frcn.models import weights
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.rcnn_net import RCNNNet
from frcn.models.spp_net import SPPNet
from frcn.pretrained.importing import import_backbone
from frcn.pretrained.pyramid import from_grid
from frcn.systems import system
from pipelines import backbone, compose, published

FORMS = [("old", "legacy"), ("new", "new")]
LAYERS = ["conv1", "conv2", "fc6", "fc7"]


@pytest.fixture(autouse=True)
def _local(tiny_s, monkeypatch, tmp_path):
    """Network S is tiny, and weight files lie in a folder."""
    monkeypatch.setenv("FRCN_WEIGHTS", str(tmp_path))


def _layers(num_classes: int) -> dict[str, list[np.ndarray]]:
    torch.manual_seed(0)
    network = FastRCNNNet("S", num_classes)
    return {
        name: [layer.weight.detach().numpy(), layer.bias.detach().numpy()]
        for name, layer in network.layers()
    }


def _imagenet() -> dict[str, list[np.ndarray]]:
    layers = {name: blobs for name, blobs in _layers(1).items() if name in LAYERS}
    return layers | {"fc8": [np.ones((1000, 4), np.float32), np.ones(1000, np.float32)]}


def _archive(path, members: dict[str, bytes]) -> str:
    """Write members in a folder of the archive, beside a link; returns the archive's MD5."""
    with tarfile.open(path, "w:gz") as tar:
        link = tarfile.TarInfo("imagenet_models/readme")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
        for name, content in members.items():
            entry = tarfile.TarInfo(f"imagenet_models/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return hashlib.md5(path.read_bytes()).hexdigest()


def _network(repo, member: str | None = "CaffeNet.v2.caffemodel", **changes: object) -> Network:
    """Network S of conf/ with changes of the file of its ImageNet weights."""
    network = compose.compose_network("S", repo / "conf").model_dump()
    network["weights"]["member"] = member
    network["weights"]["file"] |= changes
    return Network.model_validate(network)


@pytest.mark.parametrize("form", FORMS)
def test_a_backbone_from_a_member_of_the_archive(form, repo, tmp_path):
    layers = _imagenet()
    content = caffemodel(layers, *form)
    md5 = _archive(
        tmp_path / "imagenet_models.tgz",
        {"VGG16.v2.caffemodel": b"another", "CaffeNet.v2.caffemodel": content},
    )
    out = tmp_path / "backbone/S-grid.safetensors"
    import_backbone(_network(repo, md5=md5), "grid", out)
    assert {path.name for path in out.parent.iterdir()} == {out.name, "S-grid.json"}
    summary = json.loads(out.with_suffix(".json").read_text())
    assert summary == {"file": "imagenet_models.tgz", "layers": LAYERS}
    for detector in (FastRCNNNet("S", 2), RCNNNet("S", 2)):
        network, preprocessing = start_from(detector, out, seed=0)
        assert preprocessing == weights.PREPROCESSING
        for name, layer in network.layers()[:4]:
            assert np.array_equal(layer.weight.detach(), layers[name][0])
            assert np.array_equal(layer.bias.detach(), layers[name][1])


def test_a_caffemodel_without_an_archive(repo, tmp_path):
    content = caffemodel(_imagenet(), "old", "legacy")
    (tmp_path / "mine.caffemodel").write_bytes(content)
    md5 = hashlib.md5(content).hexdigest()
    out = tmp_path / "backbone/S-grid.safetensors"
    import_backbone(_network(repo, None, urls=["mine.caffemodel"], md5=md5), "grid", out)
    assert len(weights.load(out, "S")[0]) == 8
    assert (tmp_path / "mine.caffemodel").exists()


def test_a_file_of_another_network(repo, tmp_path):
    layers = _imagenet() | {"conv2": [np.zeros((6, 4, 3, 3)), np.zeros(6)]}
    md5 = _archive(tmp_path / "imagenet_models.tgz", {"CaffeNet.v2.caffemodel": caffemodel(layers)})
    out = tmp_path / "backbone/S-grid.safetensors"
    wanted = (
        r"CaffeNet\.v2\.caffemodel: not an ImageNet network, network S: layer 'conv2' has"
        " 6×4×3×3 and 6, wanted 6×2×3×3 and 6"
    )
    with pytest.raises(UserError, match=wanted):
        import_backbone(_network(repo, md5=md5), "grid", out)
    assert not list(out.parent.iterdir())


def test_an_archive_of_other_things(repo, tmp_path):
    archive, out = tmp_path / "imagenet_models.tgz", tmp_path / "backbone/S-grid.safetensors"
    md5 = _archive(archive, {"CaffeNet.prototxt": b"name: 'CaffeNet'"})
    found = "has no file CaffeNet.v2.caffemodel, only .*imagenet_models/CaffeNet.prototxt"
    with pytest.raises(UserError, match=found):
        import_backbone(_network(repo, md5=md5), "grid", out)
    archive.write_bytes(b"no archive")
    md5 = hashlib.md5(b"no archive").hexdigest()
    with pytest.raises(UserError, match="no sound tar archive, wanted one with CaffeNet"):
        import_backbone(_network(repo, md5=md5), "grid", out)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_an_archive_that_was_cut(repo, tmp_path, share):
    archive = tmp_path / "imagenet_models.tgz"
    _archive(archive, {"CaffeNet.v2.caffemodel": caffemodel(_imagenet())})
    content = archive.read_bytes()
    archive.write_bytes(content[: int(share * len(content))])
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    with pytest.raises(UserError, match=r"imagenet_models\.tgz: no sound tar archive"):
        import_backbone(_network(repo, md5=md5), "grid", tmp_path / "S-grid.safetensors")


def test_no_stage_takes_an_unchecked_file(repo, tmp_path):
    _archive(tmp_path / "imagenet_models.tgz", {"CaffeNet.v2.caffemodel": caffemodel(_imagenet())})
    config, out = tmp_path / "S.yaml", tmp_path / "out.safetensors"
    config.write_text(compose.resolved_yaml(_network(repo)))
    with pytest.raises(UserError, match=r"has md5 [0-9a-f]{32}, wanted 8b1d4b9da0593fc7"):
        backbone.backbone(config, "grid", out)
    with pytest.raises(UserError, match=r"fast_rcnn_models\.tgz: not found.*md5 5f7dde9f5376e18c"):
        published.published(config, out)
    assert not out.exists()


def test_a_backbone_behind_the_pyramid(repo, tmp_path):
    """fc6 on the grid, resampled; all else as it was."""
    layers = _imagenet()
    md5 = _archive(tmp_path / "imagenet_models.tgz", {"CaffeNet.v2.caffemodel": caffemodel(layers)})
    config, out = tmp_path / "S.yaml", tmp_path / "backbone/S-pyramid.safetensors"
    config.write_text(compose.resolved_yaml(_network(repo, md5=md5)))
    backbone.backbone(config, "pyramid", out)
    network, _ = start_from(SPPNet("S", 2), out, seed=0)
    grid = torch.from_numpy(layers["fc6"][0])
    assert torch.equal(network.fc6.weight, from_grid(grid, network.pooled_size))
    assert np.array_equal(network.fc6.bias.detach(), layers["fc6"][1])
    assert np.array_equal(network.fc7.weight.detach(), layers["fc7"][0])


@pytest.mark.parametrize("form", FORMS)
def test_a_published_detector_needs_no_mean_or_deviation_of_targets(form, repo, tmp_path):
    """FACTS §1.7: the file has the regressor's weights · std and biases · std + mean."""
    rng = np.random.default_rng(0)
    layers = _layers(20)
    weight, bias = layers["bbox_pred"]
    std, mean = rng.uniform(0.1, 0.3, 84), rng.normal(0, 0.05, 84)
    file = [(weight * std[:, None]).astype("f4"), (bias * std + mean).astype("f4")]
    member = caffemodel(layers | {"bbox_pred": file}, *form)
    name = "caffenet_fast_rcnn_iter_40000.caffemodel"
    network = _network(repo).model_dump()
    network["published"]["file"]["md5"] = _archive(
        tmp_path / "fast_rcnn_models.tgz", {name: member}
    )
    config, out = tmp_path / "S.yaml", tmp_path / "published/S.safetensors"
    config.write_text(compose.resolved_yaml(Network.model_validate(network)))
    published.published(config, out)

    cell = compose.compose_cell("voc07", "S", "published", repo / "conf").model_dump()
    cell["test"]["scales"] = {"short_sides": [40], "max_size": 60}
    detector = system("fast_rcnn").load_detector(Cell.model_validate(cell), out)
    picture = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    proposals = np.array([[4, 6, 35, 30], [10, 2, 50, 38]])
    _, boxes = detector.detect(picture, proposals)
    hidden = detector.fc7_features(picture, proposals).double().cpu().numpy()
    deltas = (hidden @ weight.T.astype(float) + bias) * std + mean
    assert deltas.std() > 0.05
    for row, (x1, y1, x2, y2) in enumerate(proposals):
        for k in range(21):
            dx, dy, dw, dh = deltas[row, 4 * k : 4 * k + 4]
            width, height = x2 - x1, y2 - y1
            x, y = (x1 + x2) / 2 + dx * width, (y1 + y2) / 2 + dy * height
            half = np.exp(dw) * width / 2, np.exp(dh) * height / 2
            expected = [max(x - half[0], 0), max(y - half[1], 0)]
            expected += [min(x + half[0], 59), min(y + half[1], 39)]
            np.testing.assert_allclose(boxes[row, 4 * k : 4 * k + 4], expected, atol=1e-3)
