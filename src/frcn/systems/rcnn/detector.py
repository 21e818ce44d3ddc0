"""A trained R-CNN applied to one picture (FACTS §2.6).

Letters: R proposals, D pooled features, K classes without background.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from frcn import boxes as box_ops
from frcn.config import Precision
from frcn.models.rcnn_net import RCNNNet
from frcn.models.weights import Preprocessing
from frcn.precision import computing_in
from frcn.systems.phases import Phases
from frcn.systems.rcnn.warp import warp_regions

BATCH = 128
"""Warped regions that go through the network at a time; the scores don't depend on it."""


class Detector:
    """SVM scores and regressed boxes of every proposal, see ``frcn.systems.detector``."""

    def __init__(
        self,
        network: RCNNNet,
        preprocessing: Preprocessing,
        device: torch.device,
        precision: Precision = "float32",
    ) -> None:
        self.network = network.to(device).eval()
        self._preprocessing = preprocessing
        self._device = device
        self._precision: Precision = precision
        self._phases = Phases(device)
        self.seconds = self._phases.seconds

    @torch.no_grad()
    def detect(self, image: np.ndarray, proposals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores (R, K+1) and boxes (R, 4·(K+1)) of (R, 4) proposals in an (H, W, 3) BGR image."""
        columns = self.network.cls_score.out_features
        scores, deltas = [np.zeros((0, columns))], [np.zeros((0, 4 * columns))]
        for start in range(0, len(proposals), BATCH):
            with computing_in(self._precision, self._device):
                parts = self._forward(image, proposals[start : start + BATCH])
            scores.append(parts[0])
            deltas.append(parts[1])
        with self._phases("decode"):
            boxes = box_ops.decode(proposals, np.concatenate(deltas))
            return np.concatenate(scores), box_ops.clip(boxes, *image.shape[:2])

    def _forward(self, image: np.ndarray, proposals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        network = self.network
        with self._phases("warp"):
            crops = warped(network, self._preprocessing, image, proposals).to(self._device)
        with self._phases("conv"):
            feature_map = network.feature_map(crops)
        with self._phases("pool"):
            pooled = network.pool(feature_map)
        with self._phases("fc6"):
            hidden = functional.relu(network.fc6(pooled))
        with self._phases("fc7"):
            hidden = functional.relu(network.fc7(hidden))
        with self._phases("outputs"):
            scores, deltas = network.cls_score(hidden), network.bbox_regressor(pooled)
            return scores.double().cpu().numpy(), deltas.double().cpu().numpy()


def warped(
    network: RCNNNet, preprocessing: Preprocessing, image: np.ndarray, boxes: np.ndarray
) -> Tensor:
    """(R, 4) boxes of an image → (R, 3, S, S) network input."""
    regions = warp_regions(image, boxes, network.crop_size, preprocessing.mean, preprocessing.std)
    return torch.from_numpy(regions).permute(0, 3, 1, 2)


@torch.no_grad()
def pooled_features(
    network: RCNNNet,
    preprocessing: Preprocessing,
    image: np.ndarray,
    boxes: np.ndarray,
    device: torch.device,
    precision: Precision,
) -> Iterator[Tensor]:
    """(B, D) float32 pool5 features of (R, 4) boxes, a batch at a time."""
    for start in range(0, len(boxes), BATCH):
        crops = warped(network, preprocessing, image, boxes[start : start + BATCH])
        with computing_in(precision, device):
            pooled = network.pool(network.feature_map(crops.to(device)))
        yield pooled.float()
