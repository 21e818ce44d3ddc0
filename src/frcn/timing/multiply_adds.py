"""Multiply-adds of convolutions and fully connected layers, from their shapes.

Each weight is used once for every position of a layer's output. Pooling, normalisation and
biases are not counted.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from frcn.models.networks import build
from frcn.models.region_net import HEAD_LAYERS, RegionNet


def conv_layers(network: str, images: int, height: int, width: int) -> dict[str, int]:
    """Each convolution of network ``network`` for (N, 3, H, W) images."""
    counts = {}
    # Nothing is computed on this device but shapes.
    with torch.device("meta"):
        activations = torch.empty((images, 3, height, width))
        for name, layer in build(network).trunk.named_children():
            activations = layer(activations)
            if isinstance(layer, nn.Conv2d):
                positions = images * activations.shape[2] * activations.shape[3]
                counts[name] = positions * layer.weight.numel()
    return counts


def head_layers(
    network: RegionNet, rois: int, layers: Sequence[str] = HEAD_LAYERS
) -> dict[str, int]:
    """Each of ``layers`` that the network has, for R RoIs; truncated layers have two factors."""
    modules = {name: getattr(network, name) for name in layers}
    return {
        name: rois * sum(weight.numel() for weight in module.parameters() if weight.dim() == 2)
        for name, module in modules.items()
        if module is not None
    }


def sgd_step(forward: Mapping[str, int], learn_from: str) -> int:
    """Forward and backward together, of layers in order with their forward multiply-adds.

    A layer that learns costs its forward pass again for the gradient of its weights, and once
    more for that of its input, which the first of them does without.
    """
    first = list(forward).index(learn_from)
    learning = list(forward.values())[first:]
    return sum(forward.values()) + 2 * sum(learning) - learning[0]
