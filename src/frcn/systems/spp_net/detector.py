"""A trained SPP-net applied to one picture (FACTS §3.7).

Letters: R proposals, K classes without background, S scales.
"""

import numpy as np
import torch
from torch.nn import functional

from frcn import boxes as box_ops
from frcn.config import Precision, Scales
from frcn.models.spp_net import SPPNet
from frcn.models.weights import Preprocessing
from frcn.nms import nms
from frcn.precision import computing_in
from frcn.systems.phases import Phases
from frcn.systems.spp_net.feature_maps import FeatureMaps

SCORE_FLOOR = -1.5
"""SVM scores up to here are no detections."""
NMS = 0.3
"""Proposals of a class that overlap more than this with a better one are no detections: SPP-net
has NMS before the regression, beside the one of the evaluation after it."""


class Detector:
    """SVM scores and regressed boxes of every proposal, see ``frcn.systems.detector``."""

    def __init__(
        self,
        network: SPPNet,
        preprocessing: Preprocessing,
        scales: Scales,
        device: torch.device,
        precision: Precision = "float32",
    ) -> None:
        self.network = network.to(device).eval()
        self._maps = FeatureMaps(self.network, preprocessing, scales, device)
        self._scales = range(len(scales.short_sides))
        self._device = device
        self._precision: Precision = precision
        self._phases = Phases(device)
        self.seconds = self._phases.seconds

    @torch.no_grad()
    def detect(self, image: np.ndarray, proposals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores (R, K+1) and boxes (R, 4·(K+1)) of (R, 4) proposals in an (H, W, 3) BGR image."""
        if not len(proposals):
            columns = self.network.cls_score.out_features
            return np.zeros((0, columns)), np.zeros((0, 4 * columns))
        with computing_in(self._precision, self._device):
            scores, deltas = self._forward(image, proposals)
        with self._phases("decode"):
            boxes = box_ops.clip(box_ops.decode(proposals, deltas), *image.shape[:2])
        return _kept(scores, proposals), boxes

    def _forward(self, image: np.ndarray, proposals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        network, size = self.network, image.shape[:2]
        with self._phases("image"):
            blobs = [self._maps.blob(image, s).to(self._device) for s in self._scales]
        with self._phases("conv"):
            maps = [network.feature_map(blob) for blob in blobs]
        with self._phases("pool"):
            scales = self._maps.best_scales(proposals, size)
            pooled = self._maps.pool(proposals, size, scales, maps.__getitem__)
        with self._phases("fc6"):
            hidden = functional.relu(network.fc6(pooled))
        with self._phases("fc7"):
            hidden = functional.relu(network.fc7(hidden))
        with self._phases("outputs"):
            scores = network.cls_score(hidden).double().cpu().numpy()
            deltas = network.bbox_regressor(pooled).double().cpu().numpy()
            return scores, deltas


def _kept(scores: np.ndarray, proposals: np.ndarray) -> np.ndarray:
    """The (R, K+1) scores, −∞ where floor or NMS make a proposal no detection of a class."""
    kept = np.full_like(scores, -np.inf)
    for label in range(1, scores.shape[1]):
        above = np.flatnonzero(scores[:, label] > SCORE_FLOOR)
        survivors = above[nms(proposals[above], scores[above, label], NMS)]
        kept[survivors, label] = scores[survivors, label]
    return kept
