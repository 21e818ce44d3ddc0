"""Training RoIs of every image with their labels and regression targets (FACTS §1.7).

Letters: R RoIs of one image, K classes without background.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from frcn import boxes as box_ops
from frcn.artefacts import sha256
from frcn.data.voc import VOCDataset
from frcn.errors import UserError
from frcn.proposals.source import ProposalSource

Sources = Sequence[tuple[VOCDataset, ProposalSource]]
"""Data set and proposals of each training split."""


@dataclass(frozen=True)
class RoiImage:
    """The RoIs of one image: ground-truth boxes first, then proposals.

    Attributes:
        dataset, index: where the picture is.
        rois: (R, 4) float32 ``x1 y1 x2 y2`` in pixels of the picture.
        overlaps: (R,) float32, IoU with the best ground-truth box of any class.
        labels: (R,) int64 1…K, class of that box (0 where nothing overlaps).
        targets: (R, 4) float32 ``dx dy dw dh``, not normalised; zero below the threshold.
        is_target: (R,) bool, RoIs that have a regression target.
    """

    dataset: VOCDataset
    index: int
    rois: np.ndarray
    overlaps: np.ndarray
    labels: np.ndarray
    targets: np.ndarray
    is_target: np.ndarray


def contents(roidb: Iterable[RoiImage]) -> list[list[str]]:
    """Of each entry the hash of its picture and the hash of its RoIs: what was trained on."""
    return [
        [entry.dataset.image_hash(entry.index), sha256(entry.rois.tobytes())] for entry in roidb
    ]


def build_roidb(
    sources: Sources,
    count: int,
    fg_threshold: float,
) -> list[RoiImage]:
    """Training RoIs of all images, with the first ``count`` proposals of each.

    Images without objects are left out (docs/deviations.md).

    Raises:
        UserError: no image is left.
    """
    roidb = [
        roi_image(dataset, index, store.boxes(index, count), fg_threshold)
        for dataset, store in sources
        for index in range(len(dataset))
        if len(dataset.annotation(index).boxes)
    ]
    if not roidb:
        raise UserError("no training image has an object; check train.splits and the annotations")
    return roidb


def roi_image(
    dataset: VOCDataset, index: int, proposals: np.ndarray, target_threshold: float
) -> RoiImage:
    """RoIs of one image: labels by the best overlap, targets from ``target_threshold`` on."""
    annotation = dataset.annotation(index)
    rois = np.concatenate([annotation.boxes, proposals]).astype(np.float32)
    overlap = box_ops.iou(rois, annotation.boxes)
    best = overlap.argmax(axis=1)
    # Of two objects in the same place each is its own best: GT rows keep their class.
    best[: len(annotation.boxes)] = np.arange(len(annotation.boxes))
    overlaps = overlap.max(axis=1)
    is_target = overlaps >= target_threshold
    targets = np.zeros((len(rois), 4), dtype=np.float32)
    targets[is_target] = box_ops.encode(rois[is_target], annotation.boxes[best[is_target]])
    return RoiImage(
        dataset=dataset,
        index=index,
        rois=rois,
        overlaps=overlaps.astype(np.float32),
        labels=np.where(overlaps > 0, annotation.labels[best], 0),
        targets=targets,
        is_target=is_target,
    )


class Pictures:
    """The pictures of a roidb, each read once, for batches of regions from all over it.

    The first ``LIMIT`` bytes stay in memory; what comes later is read at each call, for no
    picture is likelier to be asked for again than another.
    """

    LIMIT = 4_000_000_000

    def __init__(self, roidb: list[RoiImage]) -> None:
        self._roidb = roidb
        self._kept: dict[int, np.ndarray] = {}
        self._free = self.LIMIT

    def __getitem__(self, i: int) -> np.ndarray:
        """(H, W, 3) uint8 BGR picture of entry i."""
        if i in self._kept:
            return self._kept[i]
        entry = self._roidb[i]
        picture = entry.dataset.image(entry.index)
        if picture.nbytes <= self._free:
            self._kept[i] = picture
            self._free -= picture.nbytes
        return picture


@dataclass(frozen=True)
class TargetStatistics:
    """Mean and standard deviation of the regression targets, (K+1, 4) float64 each.

    Row 0, the background, has mean 0 and standard deviation 0, as has a class without targets.
    """

    mean: np.ndarray
    std: np.ndarray


def target_statistics(roidb: list[RoiImage], num_classes: int, flip: bool) -> TargetStatistics:
    """Per-class statistics over every target RoI, mirrored twins included when ``flip``.

    Source: FACTS §1.7 (population standard deviation, ground-truth rows included).
    """
    labels = np.concatenate([entry.labels[entry.is_target] for entry in roidb])
    targets = np.concatenate([entry.targets[entry.is_target] for entry in roidb]).astype(np.float64)
    if flip:
        labels = np.concatenate([labels, labels])
        targets = np.concatenate([targets, targets * MIRROR])
    mean = np.zeros((num_classes + 1, 4))
    std = np.zeros((num_classes + 1, 4))
    for label in range(1, num_classes + 1):
        rows = targets[labels == label]
        if len(rows):
            mean[label] = rows.mean(axis=0)
            std[label] = rows.std(axis=0)
    return TargetStatistics(mean, std)


MIRROR = np.array([-1.0, 1.0, 1.0, 1.0])
"""A mirrored picture turns dx around and leaves dy, dw and dh alone."""
