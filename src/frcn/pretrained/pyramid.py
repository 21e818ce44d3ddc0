"""ImageNet's fc6 behind SPP-net's pyramid, for networks that nobody pre-trained with one.

SPP-net's authors did so with their own network (FACTS §3.1); VGG16 behind a pyramid was never
published. What is published is fc6 on a grid of P × P cells. Its weights are resampled to the
pyramid's finest level, and the coarser levels start at zero: fine-tuning finds their use.
"""

from pathlib import Path

import torch
from torch import Tensor

from frcn.models import weights
from frcn.models.networks import build
from frcn.models.spatial_pyramid import BINS, LEVELS


def put_behind_pyramid(path: Path, network: str) -> None:
    """Rewrite a file of ``network``'s weights, so that its fc6 takes the spatial pyramid."""
    tensors, preprocessing = weights.load(path, network)
    size = build(network).pooled_size
    tensors["fc6.weight"] = from_grid(tensors["fc6.weight"], size)
    weights.save(path, tensors, network, preprocessing)


def from_grid(weight: Tensor, size: int) -> Tensor:
    """(F, C·P²) weights on a grid of P = ``size`` cells a side → (F, 50·C) on the pyramid.

    A bin gets of each cell's weight the part of the cell's area that lies in it, so that all
    weights of a channel keep their sum: a map that is constant gives what it gave.
    """
    finest = LEVELS[-1]
    part = _parts(size, finest).to(weight)
    grid = weight.unflatten(1, (-1, size, size))
    resampled = torch.einsum("ia,fcab,jb->fcij", part, grid, part)
    coarser = weight.new_zeros((len(weight), grid.shape[1] * (BINS - finest**2)))
    return torch.cat([coarser, resampled.flatten(1)], dim=1)


def _parts(cells: int, bins: int) -> Tensor:
    """(bins, cells): how much of each cell of a unit length lies in each bin of the same length."""
    bin_edges, cell_edges = (torch.arange(n + 1, dtype=torch.float64) / n for n in (bins, cells))
    start = torch.maximum(bin_edges[:-1, None], cell_edges[:-1])
    end = torch.minimum(bin_edges[1:, None], cell_edges[1:])
    return (end - start).clamp(min=0) * cells
