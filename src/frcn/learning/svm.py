"""Post-hoc linear SVMs with hard negative mining (FACTS §1.11, §2.4, §3.5).

The images are streamed. Positives and hard negatives lie on disk, each stored once, even if it is
hard for several classes; memory holds the examples of one fit at a time.
Letters: R RoIs of one image, D features, K classes without background.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from frcn import boxes as box_ops
from frcn.config import Svm
from frcn.learning.example_store import ExampleStore
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
    folder: Path,
    candidates: Callable[[int], np.ndarray] | None = None,
) -> tuple[torch.Tensor, torch.Tensor, dict]:
    """One SVM per class in one pass over the images.

    ``folder`` is where examples lie meanwhile. ``candidates`` gives the (r,) RoIs of an entry
    that may become negatives; without it all may.

    Returns:
        (K+1, D) weights and (K+1,) biases to install as ``cls_score`` on *unscaled* features,
        and a summary of what was mined. The background row stays 0. A class without positives
        has no SVM: its weights are 0 and its bias is −∞, so that it detects nothing.
    """
    scale = feature_scale(roidb, features, settings, seed)
    store = ExampleStore(folder, features(0, np.arange(1)).shape[1])
    miners = [
        HardNegativeMiner(settings, store, positives, seed)
        for positives in _positives(roidb, features, scale, num_classes, store)
    ]
    with progress(len(roidb), "mine hard negatives", "image") as bar:
        for i, entry in enumerate(roidb):
            rows = candidates(i) if candidates else np.arange(len(entry.rois))
            scaled = features(i, rows).numpy() * scale
            kept: dict[int, int] = {}
            for label, miner in enumerate(miners, start=1):
                if not miner.positives:
                    continue
                negative = _overlaps(entry, label, settings)[rows] < settings.negative_overlap
                hard = np.flatnonzero(negative & miner.is_hard(scaled)).tolist()
                new = [row for row in hard if row not in kept]
                kept |= zip(new, store.add(scaled[new]).tolist(), strict=True)
                miner.mine([kept[row] for row in hard])
                if i == 0 and settings.initial_fit:
                    miner.fit()
            bar.update()
    for miner in miners:
        miner.fit()
    weight = np.stack([np.zeros(len(miners[0].weight))] + [m.weight * scale for m in miners])
    bias = np.array([0.0] + [m.bias if m.positives else -np.inf for m in miners])
    summary = {
        "feature_scale": scale,
        "positives": [len(m.positives) for m in miners],
        "negatives": [m.mined for m in miners],
        "fits": [m.fits for m in miners],
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
    roidb: list[RoiImage], features: Features, scale: float, num_classes: int, store: ExampleStore
) -> list[list[int]]:
    """Store the scaled features of all ground-truth boxes; returns the numbers of each class."""
    numbers: list[list[int]] = [[] for _ in range(num_classes)]
    for i, entry in enumerate(roidb):
        objects = len(entry.dataset.annotation(entry.index).boxes)
        scaled = features(i, np.arange(objects)).numpy() * scale
        for label in np.unique(entry.labels[:objects]):
            numbers[label - 1] += store.add(scaled[entry.labels[:objects] == label]).tolist()
    return numbers


class HardNegativeMiner:
    """The SVM of one class, its positives and its cache of negatives, by number in a store."""

    def __init__(self, settings: Svm, store: ExampleStore, positives: list[int], seed: int) -> None:
        self._settings = settings
        self._store = store
        self._seed = seed
        self.positives = positives
        self.negatives: list[int] = []
        self._fresh = 0
        self.weight = np.zeros(store.dimension)
        self.bias = 0.0
        self.mined = 0
        self.fits = 0

    def is_hard(self, candidates: np.ndarray) -> np.ndarray:
        """(R,) bool, which of (R, D) features the SVM scores too high for a negative."""
        return self._scores(candidates) > self._settings.hard_threshold

    def mine(self, hard: list[int]) -> None:
        """Keep hard negatives; refit after enough of them."""
        self.negatives += hard
        self._fresh += len(hard)
        self.mined += len(hard)
        if self._fresh > self._settings.retrain_after:
            self.fit()

    def fit(self) -> None:
        """Fit on positives and cached negatives, then evict the negatives that became easy.

        Without any of either nothing can be fitted, and the SVM keeps scoring 0.
        """
        self._fresh = 0
        if not self.positives or not self.negatives:
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
        examples = self._store.read(self.positives + self.negatives)
        count = len(self.positives)
        svm.fit(examples, np.repeat([1, -1], [count, len(self.negatives)]))
        self.weight, self.bias = svm.coef_[0], float(svm.intercept_[0])
        self.fits += 1
        keep = self._scores(examples[count:]) >= self._settings.evict_threshold
        # Where none would survive, Fast R-CNN evicts none; here no system does.
        if keep.any():
            self.negatives = [n for n, kept in zip(self.negatives, keep, strict=True) if kept]

    def _scores(self, features: np.ndarray) -> np.ndarray:
        return features @ self.weight + self.bias
