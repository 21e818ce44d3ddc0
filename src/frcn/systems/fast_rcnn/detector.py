"""A trained Fast R-CNN applied to one picture (paper §3; FACTS §1.8 steps 1–5)."""

import numpy as np
import torch
from torch.nn import functional

from frcn import boxes as box_ops
from frcn.config import Scales, Test
from frcn.data.image_transform import normalise_and_resize, scale_factor, to_blob
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.weights import Preprocessing
from frcn.precision import computing_in
from frcn.systems.phases import Phases


class Detector:
    """Scores and boxes of every proposal of a picture.

    ``seconds`` accumulates time by phase over all pictures, with the device synchronised at
    each phase's end; NMS and the making of proposals are not in it, as in the paper.
    """

    def __init__(
        self,
        network: FastRCNNNet,
        preprocessing: Preprocessing,
        test: Test,
        device: torch.device,
    ) -> None:
        self.network = network.to(device).eval()
        self.preprocessing = preprocessing
        self._test = test
        self._device = device
        self._phases = Phases(device)
        self.seconds = self._phases.seconds

    @torch.no_grad()
    def detect(self, image: np.ndarray, proposals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores (R, K+1) and boxes (R, 4·(K+1)) of (R, 4) proposals in an (H, W, 3) BGR image.

        Scores are softmax probabilities, or raw scores with ``scorer: svm``. Boxes are float64,
        regressed and clipped, or the proposals themselves where regression is off.
        """
        if not len(proposals):
            columns = self.network.cls_score.out_features
            return np.zeros((0, columns)), np.zeros((0, 4 * columns))
        with self._phases("image"):
            blob, scales = image_pyramid(image, self._test.scales, self.preprocessing)
            blob = blob.to(self._device)
            rois = project(proposals, scales, self.network.pretrained_size)
            first, inverse = unique_rois(rois, self.network.stride)
            unique = torch.from_numpy(rois[first].astype(np.float32)).to(self._device)
        with computing_in(self._test.precision, self._device):
            scores, deltas = self._forward(blob, unique)
        with self._phases("decode"):
            boxes = self._boxes(proposals[first], deltas, image.shape[:2])
            return scores[inverse], boxes[inverse]

    @torch.no_grad()
    def fc7_features(self, image: np.ndarray, boxes: np.ndarray) -> torch.Tensor:
        """(R, fc7) activations of every box, without de-duplication (FACTS §1.11)."""
        blob, scales = image_pyramid(image, self._test.scales, self.preprocessing)
        rois = project(boxes, scales, self.network.pretrained_size)
        rois = torch.from_numpy(rois.astype(np.float32)).to(self._device)
        with computing_in(self._test.precision, self._device):
            pooled = self.network.pool(self.network.feature_map(blob.to(self._device)), rois)
            return self.network.fc7_features(pooled).float().cpu()

    def _forward(self, blob: torch.Tensor, rois: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        network = self.network
        with self._phases("conv"):
            feature_map = network.feature_map(blob)
        with self._phases("roi_pool"):
            hidden = network.pool(feature_map, rois)
        with self._phases("fc6"):
            hidden = functional.relu(network.fc6(hidden))
        with self._phases("fc7"):
            hidden = functional.relu(network.fc7(hidden))
        with self._phases("outputs"):
            scores, deltas = network.outputs(hidden)
            if self._test.scorer == "softmax":
                scores = scores.float().softmax(dim=1)
            deltas = None if deltas is None else deltas.double().cpu().numpy()
            return scores.double().cpu().numpy(), deltas

    def _boxes(
        self, proposals: np.ndarray, deltas: np.ndarray | None, size: tuple[int, int]
    ) -> np.ndarray:
        if not self._test.bbox_reg or deltas is None:
            return np.tile(proposals.astype(np.float64), self.network.cls_score.out_features)
        return box_ops.clip(box_ops.decode(proposals, deltas), *size)


def image_pyramid(
    image: np.ndarray, scales: Scales, preprocessing: Preprocessing
) -> tuple[torch.Tensor, np.ndarray]:
    """All levels of an image in one zero-padded (S, 3, H, W) blob, and their (S,) scales."""
    height, width = image.shape[:2]
    factors = [
        scale_factor(height, width, short_side, scales.max_size)
        for short_side in scales.short_sides
    ]
    levels = [
        normalise_and_resize(image, factor, preprocessing.mean, preprocessing.std)
        for factor in factors
    ]
    return to_blob(levels), np.array(factors)


def project(boxes: np.ndarray, scales: np.ndarray, pretrained_size: int) -> np.ndarray:
    """(R, 4) boxes → (R, 5) float64 RoIs ``level x1 y1 x2 y2``, each on its best level.

    Of several scales the one that brings the box's area closest to that of a pre-training
    picture (paper §2.4: 224²), the first one in a tie.
    """
    distance = np.abs(box_ops.areas(boxes)[:, None] * scales**2 - pretrained_size**2)
    levels = distance.argmin(axis=1)
    rois = np.asarray(boxes, dtype=np.float64) * scales[levels, None]
    return np.insert(rois, 0, levels, axis=1)


def unique_rois(rois: np.ndarray, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """RoIs that differ on the feature map: indices of representatives, and who represents whom.

    Corners are divided by the stride and rounded half to even; the first of equal ones stands
    for all, its scores and boxes included (FACTS §1.8 step 3).
    """
    cells = np.round(rois[:, 1:] / stride)
    keys = np.insert(cells, 0, rois[:, 0], axis=1)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return first, inverse.reshape(-1)
