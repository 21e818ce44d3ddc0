"""The benchmark of RoI pooling on tiny maps: what it compares, not how long anything takes."""

import dataclasses

import numpy as np
import pytest
import torch

from benchmarks import roi_pool


@pytest.mark.parametrize("name", roi_pool.CASES)
def test_rois_lie_in_their_pictures_and_both_ops_agree(name):
    case = dataclasses.replace(roi_pool.CASES[name], channels=2, rois=50)
    maps, rois = roi_pool.inputs(case, np.random.default_rng(0))
    assert maps.shape == (case.images, 2, case.height, case.width)
    assert maps.is_contiguous(memory_format=torch.channels_last)
    assert set(rois[:, 0].tolist()) == set(range(case.images))
    assert (rois[:, 1:3] >= 0).all() and (rois[:, 3:] > rois[:, 1:3]).all()
    last = torch.tensor([case.width, case.height]) * case.stride - 1
    assert (rois[:, 3:] <= last).all()
    pooled = [op(maps, rois, case.size, case.stride) for op in roi_pool.OPS.values()]
    assert torch.equal(*pooled)


def test_times_have_a_row_for_each_case_op_and_pass():
    case = roi_pool.Case(images=2, rois=3, channels=2, height=8, width=9, size=2, stride=8)
    times = roi_pool.times({"tiny": case}, repeats=2)
    assert len(times) == 2 * len(roi_pool.OPS)
    assert not times.duplicated(["case", "op", "pass"]).any()
    assert (times["seconds_median"] > 0).all() and (times["seconds_iqr"] >= 0).all()
    assert (times["threads"] == torch.get_num_threads()).all()
