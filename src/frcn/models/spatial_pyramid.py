"""The spatial pyramid pooling layer of SPP-net (FACTS §3.1, §3.3).

Letters: N images, R windows, C channels.
"""

import torch
from torch import Tensor

from frcn.models.roi_pool import roi_pool

LEVELS = (1, 2, 3, 6)
BINS = sum(level**2 for level in LEVELS)


def spatial_pyramid(feature_map: Tensor, windows: Tensor) -> Tensor:
    """Max-pool each window of a feature map into 1 + 4 + 9 + 36 = 50 bins.

    Args:
        feature_map: (N, C, h, w) float.
        windows: (R, 5) ``image_index x1 y1 x2 y2`` in cells of the map, 0-based inclusive.

    Returns:
        (R, 50·C): levels one after the other, each channel by channel. Bin (i, j) of an n × n
        level has the rows ⌊i·h/n⌋ … ⌈(i+1)·h/n⌉−1 of the window's h and columns alike, which is
        RoI pooling at stride 1.
    """
    levels = [roi_pool(feature_map, windows, level, stride=1).flatten(1) for level in LEVELS]
    return torch.cat(levels, dim=1)
