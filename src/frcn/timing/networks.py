"""What all timings share: classes, and Fast R-CNN in its two forms.

Weights are random, for they decide no time.
"""

from collections.abc import Mapping

from torch import nn

from frcn.models.fast_rcnn_net import FastRCNNNet

CLASSES = 20
"""VOC's."""


def fast_rcnn_network(name: str) -> FastRCNNNet:
    """Fast R-CNN with both outputs."""
    return FastRCNNNet(name, CLASSES)


def compressed_network(name: str, ranks: Mapping[str, int]) -> FastRCNNNet:
    """Fast R-CNN with fc6 and fc7 in the shapes of their truncated SVD (FACTS §1.10).

    The factors are random as well: to decompose L's fc6 takes longer than all of its timing.
    """
    network = fast_rcnn_network(name)
    for layer_name, rank in ranks.items():
        layer = getattr(network, layer_name)
        factors = nn.Sequential(
            nn.Linear(layer.in_features, rank, bias=False), nn.Linear(rank, layer.out_features)
        )
        setattr(network, layer_name, factors)
    return network
