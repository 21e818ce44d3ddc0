"""RoI pooling against a slow statement of FACTS §1.6, its gradient in float64 and torchvision's.

On a CPU ours takes the place of torchvision's kernel, on a GPU another backward pass if need be, so
all of them are held against the same reference.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torchvision.ops import roi_pool as torchvision_roi_pool

from frcn.learning.determinism import fixed_order_of_sums
from frcn.models import roi_pool_cpu
from frcn.models.roi_pool import roi_pool, whole_image_rois
from frcn.models.roi_pool_fixed_order import FixedOrderRoIPool


def torchvisions(feature_map, rois, size, stride):
    return torchvision_roi_pool(feature_map, rois, size, 1 / stride)


def fixed_order(feature_map, rois, size, stride):
    return FixedOrderRoIPool.apply(feature_map, rois, size, stride)


every_op = pytest.mark.parametrize("op", [roi_pool, torchvisions, fixed_order])


def round_half_away(x):
    return int(math.copysign(math.floor(abs(Fraction(float(x))) + Fraction(1, 2)), x))


def slow_roi_pool(feature_map, rois, size, stride):
    """One cell at a time: round half away from zero, overlapping bins, empty bins are 0."""
    _, channels, height, width = feature_map.shape
    real = feature_map.dtype.type
    pooled = np.zeros((len(rois), channels, size, size), dtype=real)
    for r, roi in enumerate(rois):
        x1, y1, x2, y2 = (round_half_away(corner * real(1 / stride)) for corner in roi[1:])
        bin_h = real(max(y2 - y1 + 1, 1)) / real(size)
        bin_w = real(max(x2 - x1 + 1, 1)) / real(size)
        for i in range(size):
            for j in range(size):
                top = min(max(math.floor(real(i) * bin_h) + y1, 0), height)
                bottom = min(max(math.ceil(real(i + 1) * bin_h) + y1, 0), height)
                left = min(max(math.floor(real(j) * bin_w) + x1, 0), width)
                right = min(max(math.ceil(real(j + 1) * bin_w) + x1, 0), width)
                if bottom > top and right > left:
                    cells = feature_map[int(roi[0]), :, top:bottom, left:right]
                    pooled[r, :, i, j] = cells.max(axis=(1, 2))
    return pooled


def random_rois(generator, count, images, width, height):
    corners = generator.uniform(-20, max(width, height) + 20, (count, 4))
    corners[::3] = np.round(corners[::3] / 8) * 8  # coordinates that fall half-way between cells
    rois = np.concatenate(
        [
            generator.integers(0, images, (count, 1)),
            np.minimum(corners[:, :2], corners[:, 2:]),
            np.maximum(corners[:, :2], corners[:, 2:]),
        ],
        axis=1,
    )
    return rois.astype(np.float32)


def tied_map(seed, images, channels, height, width):
    """Few different values, so that most maxima are ties."""
    values = np.random.default_rng(seed).integers(-1, 2, (images, channels, height, width))
    return torch.from_numpy(values).float()


def gradient_of(op, feature_map, upstream, *arguments):
    feature_map = feature_map.detach().requires_grad_()
    op(feature_map, *arguments).backward(upstream)
    return feature_map.grad


# Half-way between cells, just beside, outside the map, and with corners in the wrong order.
coordinates = st.integers(-40, 100).map(lambda n: n * 4.0) | st.floats(-150, 400, width=32)
two_images_rois = st.lists(st.tuples(st.integers(0, 1), *[coordinates] * 4), max_size=12).map(
    lambda rois: torch.tensor(rois, dtype=torch.float32).reshape(-1, 5)
)


@every_op
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equals_the_slow_reference(op, dtype):
    generator = np.random.default_rng(0)
    for size, stride in ((6, 16), (7, 16), (6, 8)):
        feature_map = generator.normal(size=(2, 3, 13, 17)).astype(dtype)
        rois = random_rois(generator, 150, 2, 17 * stride, 13 * stride).astype(dtype)
        pooled = op(torch.from_numpy(feature_map), torch.from_numpy(rois), size, stride)
        np.testing.assert_array_equal(
            pooled.numpy(), slow_roi_pool(feature_map, rois, size, stride)
        )


@every_op
@given(rois=two_images_rois, size=st.sampled_from([1, 2, 6, 7]), stride=st.sampled_from([8, 16]))
def test_equals_the_slow_reference_for_any_rois(op, rois, size, stride):
    feature_map = np.random.default_rng(0).normal(size=(2, 3, 13, 17)).astype(np.float32)
    pooled = op(torch.from_numpy(feature_map), rois, size, stride)
    expected = slow_roi_pool(feature_map, rois.numpy(), size, stride)
    np.testing.assert_array_equal(pooled.numpy(), expected)


@given(rois=two_images_rois, layout=st.sampled_from([torch.channels_last, torch.contiguous_format]))
def test_values_and_gradients_are_torchvisions_to_the_last_bit(rois, layout):
    # More channels than are pooled at a time.
    feature_map = tied_map(0, 2, roi_pool_cpu.BLOCK + 5, 13, 17).to(memory_format=layout)
    pooled = roi_pool(feature_map, rois, 7, 16)
    assert pooled.is_contiguous() and torch.equal(pooled, torchvisions(feature_map, rois, 7, 16))
    upstream = torch.randn(pooled.shape, generator=torch.Generator().manual_seed(0))
    ours, theirs, in_order = (
        gradient_of(op, feature_map, upstream, rois, 7, 16)
        for op in (roi_pool, torchvisions, fixed_order)
    )
    assert torch.equal(ours, theirs)
    assert torch.equal(ours, in_order)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_change_a_bit(threads, monkeypatch):
    generator = np.random.default_rng(0)
    feature_map = tied_map(0, 2, 7, 13, 17)
    rois = torch.from_numpy(random_rois(generator, 50, 2, 17 * 8, 13 * 8))
    upstream = torch.from_numpy(generator.normal(size=(50, 7, 6, 6)).astype(np.float32))
    alone = (
        roi_pool(feature_map, rois, 6, 8),
        gradient_of(roi_pool, feature_map, upstream, rois, 6, 8),
    )
    monkeypatch.setattr(roi_pool_cpu, "GRAIN", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert torch.equal(roi_pool(feature_map, rois, 6, 8), alone[0])
    assert torch.equal(gradient_of(roi_pool, feature_map, upstream, rois, 6, 8), alone[1])


@every_op
def test_of_equal_cells_the_first_in_row_major_order_gets_the_gradient(op):
    feature_map = torch.tensor([[0.0, 1, 2], [2, 0, 0], [0, 2, 2]]).view(1, 1, 3, 3)
    whole = torch.tensor([[0.0, 0, 0, 2, 2]])
    gradient = gradient_of(op, feature_map, torch.ones(1, 1, 1, 1), whole, 1, 1)
    assert gradient.flatten().tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0]


@every_op
def test_an_empty_bin_is_zero_without_gradient(op):
    feature_map = torch.full((1, 1, 2, 2), -1.0)
    # Rows -1 and 0, columns 1 and 2: only the lower left of four bins is on the map.
    rois = torch.tensor([[0.0, 1, -1, 2, 0]])
    assert op(feature_map, rois, 2, 1).flatten().tolist() == [0, 0, -1, 0]
    gradient = gradient_of(op, feature_map, torch.ones(1, 1, 2, 2), rois, 2, 1)
    assert gradient.flatten().tolist() == [0, 1, 0, 0]


@every_op
def test_no_rois(op):
    feature_map = torch.zeros(1, 3, 4, 5)
    assert op(feature_map, torch.zeros(0, 5), 7, 16).shape == (0, 3, 7, 7)
    gradient = gradient_of(op, feature_map, torch.zeros(0, 3, 7, 7), torch.zeros(0, 5), 7, 16)
    assert torch.equal(gradient, feature_map)


@every_op
@pytest.mark.parametrize("levels", [1, 2, 3, 6, 7])
def test_bins_of_whole_windows_are_those_of_exact_arithmetic(op, levels):
    """From floor(i·h/n) to ceil((i+1)·h/n) - 1: the division in float32 moves no edge."""
    for extent in range(1, 201):
        cells = torch.arange(extent).float().view(1, 1, extent, 1)
        window = torch.tensor([[0.0, 0, 0, 0, extent - 1]])
        first = -op(-cells, window, levels, 1)[0, 0, :, 0]
        last = op(cells, window, levels, 1)[0, 0, :, 0]
        assert first.tolist() == [i * extent // levels for i in range(levels)]
        assert last.tolist() == [-(-(i + 1) * extent // levels) - 1 for i in range(levels)]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_has_the_bins_and_the_sums_of_float32(dtype):
    generator = np.random.default_rng(0)
    feature_map = torch.randn(1, 3, 60, 70, generator=torch.Generator().manual_seed(0)).to(dtype)
    # Corners up to 1100 pixels, of which neither type can hold all halves.
    rois = torch.from_numpy(random_rois(generator, 40, 1, 70 * 16, 60 * 16))
    pooled = roi_pool(feature_map, rois, 6, 16)
    assert pooled.dtype == dtype
    assert torch.equal(pooled.float(), roi_pool(feature_map.float(), rois, 6, 16))
    upstream = torch.randn(pooled.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    ours = gradient_of(roi_pool, feature_map, upstream, rois, 6, 16)
    exact = gradient_of(roi_pool, feature_map.float(), upstream.float(), rois, 6, 16)
    assert torch.equal(ours, exact.to(dtype))


def test_the_fixed_order_is_taken_beside_the_cpu_when_asked_for(monkeypatch):
    taken = []
    monkeypatch.setattr(FixedOrderRoIPool, "apply", lambda *arguments: taken.append(arguments))
    elsewhere = torch.empty(1, 3, 4, 5, device="meta"), torch.empty(2, 5, device="meta")
    assert roi_pool(*elsewhere, 7, 16).shape == (2, 3, 7, 7)
    assert not taken
    with fixed_order_of_sums(True):
        roi_pool(*elsewhere, 7, 16)
        roi_pool(torch.zeros(1, 3, 4, 5), torch.zeros(2, 5), 7, 16)
    assert len(taken) == 1


def test_gradient_is_the_arg_max_rule():
    # Distinct values: a maximum that is unique has a derivative that finite differences can see.
    values = torch.randperm(2 * 2 * 9 * 11, generator=torch.Generator().manual_seed(0))
    feature_map = values.double().view(2, 2, 9, 11).requires_grad_()
    rois = torch.tensor([[0, 0, 0, 80, 60], [1, 16, 8, 40, 71], [1, 30, 30, 31, 31]]).double()
    assert gradcheck(lambda x: roi_pool(x, rois, 3, 8), feature_map, eps=0.1)


def test_a_cell_in_several_bins_collects_all_their_gradients():
    feature_map = torch.zeros(1, 1, 1, 1, dtype=torch.double, requires_grad=True)
    # One cell, a 2 × 2 grid, three identical RoIs: the cell is the maximum of 12 bins.
    roi_pool(feature_map, torch.zeros(3, 5, dtype=torch.double), 2, 8).sum().backward()
    assert feature_map.grad.item() == 12


def test_whole_image_rois():
    rois = whole_image_rois(torch.zeros(2, 3, 10, 20))
    assert rois.tolist() == [[0, 0, 0, 19, 9], [1, 0, 0, 19, 9]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([2, 0, 0, 9, 9], r"image_index 2 … 2, wanted 0 … 1"),
        ([-1, 0, 0, 9, 9], r"image_index -1"),
        ([0, 0, 9, 9], r"shape \(1, 4\), wanted \(R, 5\)"),
    ],
)
def test_rois_of_no_image_are_refused(row, message):
    with pytest.raises(ValueError, match=message):
        roi_pool(torch.zeros(2, 3, 4, 4), torch.tensor([row], dtype=torch.float32), 2, 16)
