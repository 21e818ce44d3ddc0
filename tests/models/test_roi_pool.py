"""RoI pooling against a slow statement of FACTS §1.6, and its gradient in float64."""

import math

import numpy as np
import torch
from torch.autograd import gradcheck

from frcn.models.roi_pool import roi_pool, whole_image_rois


def slow_roi_pool(feature_map, rois, size, stride):
    """One cell at a time: round half away from zero, overlapping bins, empty bins are 0."""
    _, channels, height, width = feature_map.shape
    pooled = np.zeros((len(rois), channels, size, size), dtype=np.float32)
    for r, roi in enumerate(rois):
        x1, y1, x2, y2 = (
            math.copysign(math.floor(abs(c) + 0.5), c) for c in (roi[1:] * (1.0 / stride))
        )
        bin_h = np.float32(max(y2 - y1 + 1, 1)) / np.float32(size)
        bin_w = np.float32(max(x2 - x1 + 1, 1)) / np.float32(size)
        for i in range(size):
            for j in range(size):
                top = min(max(math.floor(np.float32(i) * bin_h) + y1, 0), height)
                bottom = min(max(math.ceil(np.float32(i + 1) * bin_h) + y1, 0), height)
                left = min(max(math.floor(np.float32(j) * bin_w) + x1, 0), width)
                right = min(max(math.ceil(np.float32(j + 1) * bin_w) + x1, 0), width)
                if bottom > top and right > left:
                    cells = feature_map[
                        int(roi[0]), :, int(top) : int(bottom), int(left) : int(right)
                    ]
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


def test_equals_the_slow_reference():
    generator = np.random.default_rng(0)
    for size, stride in ((6, 16), (7, 16), (6, 8)):
        feature_map = generator.normal(size=(2, 3, 13, 17)).astype(np.float32)
        rois = random_rois(generator, 150, 2, 17 * stride, 13 * stride)
        ours = roi_pool(torch.from_numpy(feature_map), torch.from_numpy(rois), size, stride)
        np.testing.assert_array_equal(ours.numpy(), slow_roi_pool(feature_map, rois, size, stride))


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
