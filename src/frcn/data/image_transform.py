"""From a picture to the network's input: subtract the mean, scale, pad (FACTS §1.7, §1.8)."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from frcn.data.resize import resized


def scale_factor(height: int, width: int, short_side: int, max_size: int) -> float:
    """Factor that brings the short side to ``short_side``, unless the long side passes the cap.

    Source: FACTS §1.7; the cap is compared after rounding.
    """
    scale = short_side / min(height, width)
    if round(scale * max(height, width)) > max_size:
        scale = max_size / max(height, width)
    return scale


def normalise_and_resize(
    image: np.ndarray, scale: float, mean: Sequence[float], std: Sequence[float]
) -> np.ndarray:
    """(H, W, 3) uint8 BGR → (h, w, 3) float32, normalised *before* the bilinear resize."""
    normalised = (image.astype(np.float32) - np.float32(mean)) / np.float32(std)
    return resized(normalised, scale, cv2.INTER_LINEAR)


def to_blob(images: Sequence[np.ndarray]) -> Tensor:
    """(h, w, 3) float32 images → (N, 3, H, W) float32, each top-left, the rest zero."""
    height = max(image.shape[0] for image in images)
    width = max(image.shape[1] for image in images)
    blob = torch.zeros((len(images), 3, height, width))
    for index, image in enumerate(images):
        blob[index, :, : image.shape[0], : image.shape[1]] = torch.from_numpy(
            image.transpose(2, 0, 1)
        )
    return blob
