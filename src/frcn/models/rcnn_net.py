"""The R-CNN network: a classification network, run on every warped region (FACTS §2.3, §2.4).

Letters: R regions, K classes without background.
"""

from torch import Tensor, nn

from frcn.models.posthoc_net import PosthocNet


class RCNNNet(PosthocNet):
    """See :class:`PosthocNet`; a warped region goes through the whole network on its own.

    The last pooling gives P × P cells. At the size of pre-training that is pool5 of VGG16 (2×2,
    stride 2) and of VGG_CNN_M_1024 (3×3, stride 2).
    """

    def __init__(self, name: str, num_classes: int) -> None:
        super().__init__(name, num_classes)
        self.pool5 = nn.AdaptiveMaxPool2d(self.pooled_size)

    def forward(self, crops: Tensor) -> Tensor:
        """(R, 3, S, S) warped regions → (R, K+1) class scores before softmax."""
        return self.scores(self.pool(self.feature_map(crops)))

    def pool(self, feature_map: Tensor) -> Tensor:
        """(R, C, h, w) maps of the regions → (R, C·P·P) pool5 features."""
        return self.pool5(feature_map).flatten(1)
