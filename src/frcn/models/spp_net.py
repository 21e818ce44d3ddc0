"""The SPP-net network: a trunk, the spatial pyramid, fc6, fc7 and class scores (FACTS §3.1).

Letters: N images, R windows, K classes without background.
"""

import torch
from torch import Tensor, nn

from frcn.models.posthoc_net import PosthocNet
from frcn.models.roi_pool import whole_image_rois
from frcn.models.spatial_pyramid import BINS, spatial_pyramid


class SPPNet(PosthocNet):
    """See :class:`PosthocNet`; fc6 takes the spatial pyramid of windows of the feature map."""

    def __init__(self, name: str, num_classes: int) -> None:
        super().__init__(name, num_classes, cells=BINS)

    def initialise_outputs(self, generator: torch.Generator) -> None:
        """Zero-mean Gaussian scores of std 0.01 with biases of 1 (FACTS §3.4)."""
        super().initialise_outputs(generator)
        nn.init.ones_(self.cls_score.bias)

    def forward(self, pooled: Tensor) -> Tensor:
        """(R, 50·C) pooled features → (R, K+1) class scores before softmax."""
        return self.scores(pooled)

    def classify(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images → (N, K+1) class scores of each as a whole."""
        feature_map = self.feature_map(images)
        return self(spatial_pyramid(feature_map, whole_image_rois(feature_map)))
