"""What the networks of R-CNN and SPP-net share: a box regressor beside the class scores.

Letters: R regions, D pooled features, K classes without background.
"""

from torch import Tensor, nn

from frcn.models.region_net import RegionNet


class PosthocNet(RegionNet):
    """See :class:`RegionNet`; boxes are regressed linearly from pooled features (FACTS §2.5).

    ``bbox_regressor`` is fitted after fine-tuning and starts as the map that leaves boxes alone;
    after that fit ``cls_score`` has the SVMs.
    """

    def __init__(self, name: str, num_classes: int, cells: int | None = None) -> None:
        super().__init__(name, num_classes, bbox_reg=False, cells=cells)
        self.bbox_regressor = nn.Linear(self.fc6.in_features, 4 * (num_classes + 1))
        for parameter in self.bbox_regressor.parameters():
            nn.init.zeros_(parameter.requires_grad_(False))

    def scores(self, pooled: Tensor) -> Tensor:
        """(R, D) pooled features → (R, K+1) class scores."""
        return self.cls_score(self.fc7_features(pooled))
