"""Truncated SVD of fully connected layers for faster detection (paper §3.1; FACTS §1.10)."""

from collections.abc import Mapping

import torch
from torch import nn

from frcn.errors import UserError
from frcn.models.region_net import RegionNet


def truncated_svd(layer: nn.Linear, rank: int) -> nn.Sequential:
    """Two linear layers that equal ``layer`` up to its ``rank`` largest singular values.

    W = U Σ Vᵀ becomes Σ_t·V_tᵀ without bias, then U_t with the original bias; parameters fall
    from u·v to t·(u + v). The decomposition is done in float64.

    Raises:
        UserError: the rank exceeds the layer's smaller side.
    """
    if rank > min(layer.weight.shape):
        raise UserError(
            f"test.svd: rank {rank} for a layer of {tuple(layer.weight.shape)} weights; wanted at"
            f" most {min(layer.weight.shape)}. Lower it in svd_ranks of the network's config."
        )
    u, s, v = torch.linalg.svd(layer.weight.detach().double(), full_matrices=False)
    first = nn.Linear(layer.in_features, rank, bias=False)
    second = nn.Linear(rank, layer.out_features)
    first.weight.data = (s[:rank, None] * v[:rank]).to(layer.weight.dtype)
    second.weight.data = u[:, :rank].to(layer.weight.dtype).contiguous()
    second.bias.data = layer.bias.detach().clone()
    return nn.Sequential(first, second)


def compress(network: RegionNet, ranks: Mapping[str, int]) -> None:
    """Replace ``fc6`` and ``fc7`` of a network in place by their truncated factors."""
    for name, rank in ranks.items():
        setattr(network, name, truncated_svd(getattr(network, name), rank))
