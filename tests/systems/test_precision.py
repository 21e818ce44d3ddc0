"""The precision that a config asks for is the one that every layer of every system computes in."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.modules.module import register_module_forward_hook

from frcn.learning.caffe_sgd import CaffeSGD
from frcn.models import weights
from frcn.precision import computing_in, float32_products
from frcn.systems import detecting, system
from pipelines import compose
from tiny_world import open_source, shrink, write_systems

SYSTEMS = {"fast_rcnn": "default", "rcnn": "rcnn", "spp_net": "spp_net"}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    write_systems(root, {"trainval": 3, "test": 2})
    return root


def products():
    """How float32 products are computed now: of convolutions, and of matrices."""
    return torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision


@pytest.fixture
def seen(monkeypatch):
    """(products, output's type) of each layer's forward pass, and products at each update."""
    layers, updates = [], []
    step = CaffeSGD.step

    def spy(optimiser, number):
        updates.append(products())
        step(optimiser, number)

    monkeypatch.setattr(CaffeSGD, "step", spy)

    def note(module, _, output):
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear) and not output.is_meta:
            layers.append((products(), output.dtype))

    handle = register_module_forward_hook(note)
    yield layers, updates
    handle.remove()


def fit_and_detect(repo, world, out, name, precision):
    cell = compose.compose_cell("mini", "XS", SYSTEMS[name], repo / "conf")
    sections = {
        "solver": cell.train.solver.model_dump() | {"iterations": 2, "base_lr": 0.001},
        "sampling": cell.train.sampling.model_dump() | {"rois_per_batch": 16},
        "scales": {"short_sides": [48], "max_size": 100},
        "precision": precision,
    }
    test = {"scales": sections["scales"], "precision": precision}
    cell = shrink(cell, train=sections, test=test)
    source = [open_source(world, "trainval")]
    system(name).fit(
        cell, source, world / f"{name}.safetensors", 0, out, out / "resume.safetensors"
    )
    weights_file, resume = out / "weights.safetensors", out / "resume"
    detecting.detect(cell, *open_source(world, "test"), weights_file, out, resume)
    return weights.load(out / "weights.safetensors", "XS")[0]


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_layer_and_update_of_a_system(repo, world, tmp_path, seen, name):
    layers, updates = seen
    before = products()
    trained = {}
    for precision, rounded, dtype in (
        ("float32", "ieee", torch.float32),
        ("tf32", "tf32", torch.float32),
        ("bfloat16", "ieee", torch.bfloat16),
    ):
        trained[precision] = fit_and_detect(repo, world, tmp_path / precision, name, precision)
        assert set(layers) == {((rounded, rounded), dtype)}
        assert set(updates) == {(rounded, rounded)}
        assert len(updates) == 2
        layers.clear()
        updates.clear()
    assert products() == before
    # A CPU has no TF32, and none of this may change a bit there.
    for tensor, same in zip(trained["float32"].values(), trained["tf32"].values(), strict=True):
        assert torch.equal(tensor, same)
    for key, tensor in trained["bfloat16"].items():
        assert tensor.dtype == torch.float32
        assert tensor.isfinite().all(), key
    assert len(pd.read_parquet(tmp_path / "bfloat16/detections.parquet"))


def test_bfloat16_detects_about_the_same(repo, world):
    cell = compose.compose_cell("mini", "XS", "default", repo / "conf")
    found = []
    for precision in ("float32", "bfloat16"):
        test = {"scales": {"short_sides": [48], "max_size": 100}, "precision": precision}
        detector = system("fast_rcnn").load_detector(
            shrink(cell, test=test), world / "fast_rcnn.safetensors"
        )
        dataset, proposals = open_source(world, "test")
        found.append(detector.detect(dataset.image(0), proposals.boxes(0, 40)))
    (scores, boxes), (half_scores, half_boxes) = found
    assert half_scores.dtype == np.float64
    np.testing.assert_allclose(half_scores.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(half_scores, scores, atol=0.02)
    np.testing.assert_allclose(half_boxes, boxes, atol=0.5)
    assert not np.array_equal(half_scores, scores)


def test_what_held_before_holds_again_after_an_error():
    before = products()
    with pytest.raises(ZeroDivisionError), float32_products("tf32"):
        assert products() == ("tf32", "tf32")
        raise ZeroDivisionError
    assert products() == before
    with float32_products("float32"), computing_in("tf32", CPU):
        pass
    assert products() == before
