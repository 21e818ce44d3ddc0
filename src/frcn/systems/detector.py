"""What the detectors of all systems have in common."""

from typing import Protocol

import numpy as np
from torch import nn


class Detector(Protocol):
    """Scores and boxes of every proposal of a picture.

    ``seconds`` accumulates time by phase over all pictures; NMS of the evaluation and the making
    of proposals are not in it, as in the papers.
    """

    network: nn.Module
    seconds: dict[str, float]

    def detect(self, image: np.ndarray, proposals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores (R, K+1) and boxes (R, 4·(K+1)) of (R, 4) proposals in an (H, W, 3) BGR image.

        −∞ is the score of what is no detection.
        """
        ...
