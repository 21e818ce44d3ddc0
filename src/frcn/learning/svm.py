"""Post-hoc linear SVMs with hard negative mining (FACTS §1.11).

Letters: R RoIs of one image, D features, K classes without background.
"""

from collections.abc import Callable

import numpy as np
import torch

from frcn.config import Svm
from frcn.learning.roidb import RoiImage
from frcn.progress import progress
from frcn.seeding import numpy_generator

Features = Callable[[RoiImage], torch.Tensor]
"""Gives the (R, D) float32 features of an image's RoIs."""


def fit_svms(
    roidb: list[RoiImage], features: Features, num_classes: int, settings: Svm, seed: int
) -> tuple[torch.Tensor, torch.Tensor, dict]:
    """One SVM per class in one pass over the images.

    Returns:
        (K+1, D) weights and (K+1,) biases to install as ``cls_score`` on *unscaled* features
        (the background row stays 0), and a summary of what was mined.
    """
    scale = feature_scale(roidb, features, settings, seed)
    classes = [
        HardNegativeMiner(settings, positives, seed)
        for positives in _positives(roidb, features, scale, num_classes)
    ]
    with progress(len(roidb), "mine hard negatives", "image") as bar:
        for entry in roidb:
            scaled = features(entry).numpy() * scale
            for label, miner in enumerate(classes, start=1):
                # Only the best object's class has an overlap: the original's single-best rule.
                own = np.where(entry.labels == label, entry.overlaps, 0)
                miner.mine(scaled[own < settings.negative_overlap])
            bar.update()
    for miner in classes:
        miner.fit()
    weight = np.stack([np.zeros(len(classes[0].weight))] + [m.weight * scale for m in classes])
    bias = np.array([0.0] + [m.bias for m in classes])
    summary = {
        "steps": len(roidb),
        "feature_scale": scale,
        "positives": [len(m.positives) for m in classes],
        "negatives": [m.mined for m in classes],
        "fits": [m.fits for m in classes],
    }
    return torch.from_numpy(weight).float(), torch.from_numpy(bias).float(), summary


def feature_scale(roidb: list[RoiImage], features: Features, settings: Svm, seed: int) -> float:
    """``target_norm`` over the mean L2 norm of all RoIs of some random images."""
    generator = numpy_generator(seed, "svm")
    count = min(settings.norm_images, len(roidb))
    chosen = generator.choice(len(roidb), count, replace=False)
    norms = torch.cat([features(roidb[index]).norm(dim=1) for index in chosen])
    return settings.target_norm / float(norms.double().mean())


def _positives(
    roidb: list[RoiImage], features: Features, scale: float, num_classes: int
) -> list[np.ndarray]:
    """Scaled (P, D) features of the ground-truth boxes of each class."""
    rows, labels = [], []
    for entry in roidb:
        objects = len(entry.dataset.annotation(entry.index).boxes)
        rows.append(features(entry).numpy()[:objects] * scale)
        labels.append(entry.labels[:objects])
    rows, labels = np.concatenate(rows), np.concatenate(labels)
    return [rows[labels == label] for label in range(1, num_classes + 1)]


class HardNegativeMiner:
    """The SVM of one class, its positives and its cache of negatives."""

    def __init__(self, settings: Svm, positives: np.ndarray, seed: int) -> None:
        self._settings = settings
        self._seed = seed
        self.positives = positives
        self._negatives = np.zeros((0, positives.shape[1]), dtype=np.float32)
        self._fresh: list[np.ndarray] = []
        self.weight = np.zeros(positives.shape[1])
        self.bias = 0.0
        self.mined = 0
        self.fits = 0

    def mine(self, candidates: np.ndarray) -> None:
        """Keep the (R, D) candidates that the SVM scores too high; refit after enough of them."""
        hard = candidates[self._scores(candidates) > self._settings.hard_threshold]
        self._fresh.append(hard)
        self.mined += len(hard)
        if sum(len(part) for part in self._fresh) > self._settings.retrain_after:
            self.fit()

    def fit(self) -> None:
        """Fit on positives and cached negatives, then evict the negatives that became easy.

        A class without positives or negatives can't be fitted and keeps scoring 0.
        """
        self._negatives = np.concatenate([self._negatives, *self._fresh])
        self._fresh = []
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
            random_state=self._seed,
        )
        svm.fit(
            np.concatenate([self.positives, self._negatives]),
            np.repeat([1, -1], [len(self.positives), len(self._negatives)]),
        )
        self.weight, self.bias = svm.coef_[0], float(svm.intercept_[0])
        self.fits += 1
        keep = self._scores(self._negatives) >= self._settings.evict_threshold
        # Where none would survive the original evicts none.
        if keep.any():
            self._negatives = self._negatives[keep]

    def _scores(self, features: np.ndarray) -> np.ndarray:
        return features @ self.weight + self.bias
