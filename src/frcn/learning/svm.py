"""Post-hoc linear SVMs with hard negative mining (FACTS §1.11, §2.4, §3.5).

The images are streamed: beside the positives, only the negatives that are hard now are in memory,
each once, however many classes it is hard for.
Letters: R RoIs of one image, D features, K classes without background.
"""

from collections.abc import Callable

import numpy as np
import torch

from frcn import boxes as box_ops
from frcn.config import Svm
from frcn.learning.roidb import RoiImage
from frcn.progress import progress
from frcn.seeding import numpy_generator

Features = Callable[[int, np.ndarray], torch.Tensor]
"""Gives the (r, D) float32 features of some RoIs, by their (r,) numbers, of entry i of a roidb."""


def fit_svms(
    roidb: list[RoiImage],
    features: Features,
    num_classes: int,
    settings: Svm,
    seed: int,
    candidates: Callable[[int], np.ndarray] | None = None,
) -> tuple[torch.Tensor, torch.Tensor, dict]:
    """One SVM per class in one pass over the images.

    ``candidates`` gives the (r,) RoIs of an entry that may become negatives; without it all may.

    Returns:
        (K+1, D) weights and (K+1,) biases to install as ``cls_score`` on *unscaled* features,
        and a summary of what was mined. The background row stays 0. A class without positives
        has no SVM: its weights are 0 and its bias is −∞, so that it detects nothing.
    """
    scale = feature_scale(roidb, features, settings, seed)
    classes = [
        HardNegativeMiner(settings, positives, seed)
        for positives in _positives(roidb, features, scale, num_classes)
    ]
    with progress(len(roidb), "mine hard negatives", "image") as bar:
        for i, entry in enumerate(roidb):
            rows = candidates(i) if candidates else np.arange(len(entry.rois))
            scaled = features(i, rows).numpy() * scale
            kept: dict[int, np.ndarray] = {}
            for label, miner in enumerate(classes, start=1):
                if not len(miner.positives):
                    continue
                negative = _overlaps(entry, label, settings)[rows] < settings.negative_overlap
                hard = np.flatnonzero(negative & miner.is_hard(scaled)).tolist()
                # A row that several classes keep is one array, which goes with the last of them.
                kept |= {row: scaled[row].copy() for row in hard if row not in kept}
                miner.mine([kept[row] for row in hard])
                if i == 0 and settings.initial_fit:
                    miner.fit()
            bar.update()
    for miner in classes:
        miner.fit()
    weight = np.stack([np.zeros(len(classes[0].weight))] + [m.weight * scale for m in classes])
    bias = np.array([0.0] + [m.bias if len(m.positives) else -np.inf for m in classes])
    summary = {
        "steps": len(roidb),
        "feature_scale": scale,
        "positives": [len(m.positives) for m in classes],
        "negatives": [m.mined for m in classes],
        "fits": [m.fits for m in classes],
    }
    return torch.from_numpy(weight).float(), torch.from_numpy(bias).float(), summary


def feature_scale(roidb: list[RoiImage], features: Features, settings: Svm, seed: int) -> float:
    """``target_norm`` over the mean L2 norm of RoIs of some random images."""
    generator = numpy_generator(seed, "svm")
    count = min(settings.norm_images, len(roidb))
    norms = []
    for i in generator.choice(len(roidb), count, replace=False):
        rows = np.arange(len(roidb[i].rois))
        if settings.norm_boxes and settings.norm_boxes < len(rows):
            rows = np.sort(generator.choice(rows, settings.norm_boxes, replace=False))
        norms.append(features(int(i), rows).norm(dim=1))
    return settings.target_norm / float(torch.cat(norms).double().mean())


def _overlaps(entry: RoiImage, label: int, settings: Svm) -> np.ndarray:
    """(R,) overlaps of an image's RoIs with the objects of a class."""
    if settings.overlap_with == "best_object":
        # Fast R-CNN's rule: a box counts as overlapping with its best object only.
        return np.where(entry.labels == label, entry.overlaps, 0)
    annotation = entry.dataset.annotation(entry.index)
    of_class = annotation.boxes[annotation.labels == label]
    return box_ops.iou(entry.rois, of_class).max(axis=1, initial=0)


def _positives(
    roidb: list[RoiImage], features: Features, scale: float, num_classes: int
) -> list[np.ndarray]:
    """Scaled (P, D) features of the ground-truth boxes of each class."""
    rows: list[list[np.ndarray]] = [[] for _ in range(num_classes)]
    for i, entry in enumerate(roidb):
        objects = len(entry.dataset.annotation(entry.index).boxes)
        scaled = features(i, np.arange(objects)).numpy() * scale
        for label in np.unique(entry.labels[:objects]):
            rows[label - 1].append(scaled[entry.labels[:objects] == label])
    none = np.zeros((0, scaled.shape[1]), dtype=np.float32)
    return [np.concatenate([none, *of_class]) for of_class in rows]


class HardNegativeMiner:
    """The SVM of one class, its positives and its cache of negatives."""

    def __init__(self, settings: Svm, positives: np.ndarray, seed: int) -> None:
        self._settings = settings
        self._seed = seed
        self.positives = positives
        self._negatives: list[np.ndarray] = []
        self._fresh = 0
        self.weight = np.zeros(positives.shape[1])
        self.bias = 0.0
        self.mined = 0
        self.fits = 0

    def is_hard(self, candidates: np.ndarray) -> np.ndarray:
        """(R,) bool, which of (R, D) features the SVM scores too high for a negative."""
        return self._scores(candidates) > self._settings.hard_threshold

    def mine(self, hard: list[np.ndarray]) -> None:
        """Keep hard negatives, (D,) each; refit after enough of them."""
        self._negatives += hard
        self._fresh += len(hard)
        self.mined += len(hard)
        if self._fresh > self._settings.retrain_after:
            self.fit()

    def fit(self) -> None:
        """Fit on positives and cached negatives, then evict the negatives that became easy.

        Without any of either nothing can be fitted, and the SVM keeps scoring 0.
        """
        self._fresh = 0
        if not len(self.positives) or not len(self._negatives):
            return
        # Here, for most trainings and tests fit no SVM, and the import takes a second.
        from sklearn.svm import LinearSVC  # noqa: PLC0415

        svm = LinearSVC(
            C=self._settings.C,
            class_weight={1: self._settings.positive_weight, -1: 1},
            intercept_scaling=self._settings.bias_multiplier,
            penalty="l2",
            loss="hinge",
            dual=True,
            tol=self._settings.tolerance,
            random_state=self._seed,
        )
        negatives = np.stack(self._negatives)
        svm.fit(
            np.concatenate([self.positives, negatives]),
            np.repeat([1, -1], [len(self.positives), len(self._negatives)]),
        )
        self.weight, self.bias = svm.coef_[0], float(svm.intercept_[0])
        self.fits += 1
        keep = self._scores(negatives) >= self._settings.evict_threshold
        # Where none would survive the original evicts none.
        if keep.any():
            self._negatives = [row for row, kept in zip(self._negatives, keep, strict=True) if kept]

    def _scores(self, features: np.ndarray) -> np.ndarray:
        return features @ self.weight + self.bias
