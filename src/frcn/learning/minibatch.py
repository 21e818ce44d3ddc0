"""The tensors of one SGD step (FACTS §1.7)."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from frcn import boxes as box_ops
from frcn.config import Scales
from frcn.data.image_transform import normalise_and_resize, scale_factor, to_blob
from frcn.learning.hierarchical_sampling import SampledImage
from frcn.learning.roidb import MIRROR, Pictures, RoiImage, TargetStatistics
from frcn.models.weights import Preprocessing


class Minibatch(NamedTuple):
    """N images with R RoIs in all.

    Attributes:
        images: (N, 3, H, W) float32 network input.
        rois: (R, 5) float32 ``image_index x1 y1 x2 y2`` in pixels of ``images``.
        labels: (R,) int64, 0 for background.
        targets: (R, 4) float32 normalised targets for the class of the RoI; zero for background.
        foreground: (F,) int64, which RoIs are no background, ascending. Said here, where labels lie
            on the CPU: a GPU that is asked keeps the CPU waiting.
    """

    images: Tensor
    rois: Tensor
    labels: Tensor
    targets: Tensor
    foreground: Tensor


def assemble(
    sampled: list[SampledImage],
    roidb: list[RoiImage],
    pictures: Pictures,
    scales: Scales,
    preprocessing: Preprocessing,
    statistics: TargetStatistics,
) -> Minibatch:
    """Flip, scale and stack the sampled pictures of a roidb, and gather their RoIs."""
    images, rois, labels, targets = [], [], [], []
    for position, sample in enumerate(sampled):
        entry = roidb[sample.entry]
        picture = pictures[sample.entry]
        height, width = picture.shape[:2]
        scale = scale_factor(height, width, scales.short_sides[sample.scale_index], scales.max_size)
        chosen = entry.rois[sample.rois]
        if sample.flipped:
            picture = picture[:, ::-1]
            chosen = box_ops.flip(chosen, width)
        images.append(normalise_and_resize(picture, scale, preprocessing.mean, preprocessing.std))
        rois.append(np.insert(chosen.astype(np.float64) * scale, 0, position, axis=1))
        label, target = _labels_and_targets(entry, sample, statistics)
        labels.append(label)
        targets.append(target)
    all_labels = np.concatenate(labels)
    return Minibatch(
        images=to_blob(images),
        rois=torch.from_numpy(np.concatenate(rois).astype(np.float32)),
        labels=torch.from_numpy(all_labels),
        targets=torch.from_numpy(np.concatenate(targets).astype(np.float32)),
        foreground=torch.from_numpy(np.flatnonzero(all_labels)),
    )


def _labels_and_targets(
    entry: RoiImage, sample: SampledImage, statistics: TargetStatistics
) -> tuple[np.ndarray, np.ndarray]:
    labels = entry.labels[sample.rois].copy()
    labels[sample.foreground :] = 0
    targets = np.zeros((len(labels), 4))
    foreground = slice(sample.foreground)
    raw = entry.targets[sample.rois[foreground]].astype(np.float64)
    if sample.flipped:
        raw = raw * MIRROR
    # A class whose targets never vary has std 0; its normalised target is 0 whatever divides it.
    std = statistics.std[labels[foreground]]
    targets[foreground] = (raw - statistics.mean[labels[foreground]]) / np.where(std > 0, std, 1)
    return labels, targets
