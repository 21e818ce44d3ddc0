"""fc6 on the pyramid's finest level, against a loop over areas."""

import numpy as np
import pytest
import torch

from frcn.models.spatial_pyramid import spatial_pyramid
from frcn.pretrained.pyramid import from_grid

COARSER = 1 + 4 + 9


def _overlap(i: int, bins: int, a: int, cells: int) -> float:
    """Share of cell ``a`` that bin ``i`` covers, along one side."""
    return max(0.0, min((i + 1) / bins, (a + 1) / cells) - max(i / bins, a / cells)) * cells


@pytest.mark.parametrize("size", [6, 7])
def test_a_bin_gets_of_each_cell_what_lies_in_it(size):
    rng = np.random.default_rng(0)
    grid = rng.normal(size=(2, 3, size, size))
    found = from_grid(torch.from_numpy(grid.reshape(2, -1)), size).numpy()
    assert found.shape == (2, 50 * 3)
    assert not found[:, : COARSER * 3].any()
    finest = found[:, COARSER * 3 :].reshape(2, 3, 6, 6)
    for i, j in np.ndindex(6, 6):
        expected = sum(
            _overlap(i, 6, a, size) * _overlap(j, 6, b, size) * grid[:, :, a, b]
            for a, b in np.ndindex(size, size)
        )
        np.testing.assert_allclose(finest[:, :, i, j], expected, atol=1e-12)
    if size == 6:
        np.testing.assert_allclose(finest, grid, atol=1e-12)


def test_a_constant_map_gives_what_it_gave():
    weight = torch.randn((4, 2 * 49), generator=torch.Generator().manual_seed(0))
    feature_map = torch.tensor([1.5, -0.5])[None, :, None, None].expand(1, 2, 9, 8).contiguous()
    pooled = spatial_pyramid(feature_map, torch.tensor([[0.0, 0, 0, 7, 8]]))
    before = weight @ torch.tensor([1.5, -0.5]).repeat_interleave(49)
    torch.testing.assert_close(pooled @ from_grid(weight, 7).T, before[None])
