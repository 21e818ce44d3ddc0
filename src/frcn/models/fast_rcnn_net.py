"""The Fast R-CNN network: a trunk, RoI pooling, fc6, fc7 and two sibling outputs (paper §2).

Letters: N images, R RoIs, K classes without background.
"""

from torch import Tensor

from frcn.models.region_net import RegionNet
from frcn.models.roi_pool import roi_pool, whole_image_rois


class FastRCNNNet(RegionNet):
    """See :class:`RegionNet`; fc6 takes what RoI pooling finds in the map of the whole image.

    Without ``bbox_reg`` it is the paper's classification-only network (§5.1, no_bbox_reg in the
    original).
    """

    def forward(self, images: Tensor, rois: Tensor) -> tuple[Tensor, Tensor | None]:
        """(N, 3, H, W) images and (R, 5) RoIs in their pixels → scores and box deltas.

        Returns:
            (R, K+1) class scores before softmax, and (R, 4·(K+1)) class-major deltas or None.
        """
        return self.outputs(self.fc7_features(self.pool(self.feature_map(images), rois)))

    def pool(self, feature_map: Tensor, rois: Tensor) -> Tensor:
        """(N, C, h, w) map and (R, 5) RoIs in input pixels → (R, C·P·P) pooled features."""
        return roi_pool(feature_map, rois, self.pooled_size, self.stride).flatten(1)

    def classify(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images → (N, K+1) class scores of each as a whole: one RoI covers it."""
        scores, _ = self(images, whole_image_rois(images))
        return scores
