"""Post-hoc box regression: one ridge regression per class (FACTS §2.5, §3.6).

Letters: n examples of a class, D features, K classes without background.
"""

from collections.abc import Iterator

import numpy as np
import torch
from scipy import linalg
from torch import Tensor

from frcn.config import BboxRegressor
from frcn.learning.roidb import RoiImage
from frcn.learning.svm import Features
from frcn.progress import progress

WHITENING_EPS = 0.001
"""Added to the variances of the targets before they are whitened."""
CHUNK = 2000
"""Examples that are added to the normal equations at a time."""


def fit_bbox_regressors(
    roidb: list[RoiImage],
    features: Features,
    scale: float,
    num_classes: int,
    settings: BboxRegressor,
) -> tuple[Tensor, Tensor, list[int]]:
    """A linear map from *unscaled* features to box deltas, class by class.

    Examples are the RoIs, ground truth included, that overlap more than ``min_overlap`` with an
    object; their class is that object's.

    Args:
        roidb: training RoIs; their targets reach down to ``min_overlap`` at least.
        features: D features of RoIs.
        scale: what brings features to the norm that ``ridge`` was chosen for.
        num_classes: K.
        settings: overlap and ridge.

    Returns:
        weights (4·(K+1), D) and biases (4·(K+1),) float32, class-major, 0 for background and for
        classes without examples, which leaves boxes where they are; and each class's n.
    """
    weights, biases, counts = [None], [np.zeros(4)], []
    with progress(num_classes, "box regressors", "class") as bar:
        for label in range(1, num_classes + 1):
            chosen = [
                np.flatnonzero((entry.overlaps > settings.min_overlap) & (entry.labels == label))
                for entry in roidb
            ]
            counts.append(sum(len(rows) for rows in chosen))
            weight, bias = None, np.zeros(4)
            if counts[-1]:
                weight, bias = _fit(roidb, chosen, features, scale, settings.ridge)
            weights.append(weight)
            biases.append(bias)
            bar.update()
    dimension = features(0, np.arange(1)).shape[1]
    stacked = [np.zeros((4, dimension)) if weight is None else weight for weight in weights]
    return (
        torch.from_numpy(np.concatenate(stacked)).float(),
        torch.from_numpy(np.concatenate(biases)).float(),
        counts,
    )


def _fit(
    roidb: list[RoiImage],
    chosen: list[np.ndarray],
    features: Features,
    scale: float,
    ridge: float,
) -> tuple[np.ndarray, np.ndarray]:
    """(4, D) weights and (4,) biases of one class; examples are read image by image."""
    targets = np.concatenate([e.targets[rows] for e, rows in zip(roidb, chosen, strict=True)])
    mean, whiten, colour = whitening(targets)
    gram = moments = 0.0
    for scaled, raw in _examples(roidb, chosen, features, scale):
        # The constant is an example's last feature, and shrinks like the others.
        design = np.append(scaled, np.ones((len(scaled), 1)), axis=1)
        gram += design.T @ design
        moments += design.T @ ((raw - mean) @ whiten)
    gram[np.diag_indices_from(gram)] += ridge
    beta = linalg.cho_solve(linalg.cho_factor(gram, overwrite_a=True), moments) @ colour
    return (beta[:-1] * scale).T, beta[-1] + mean


def _examples(
    roidb: list[RoiImage], chosen: list[np.ndarray], features: Features, scale: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Scaled (r, D) float64 features and (r, 4) targets, many images at a time.

    Adding a few rows to a D × D matrix costs as much as adding many.
    """
    rows, targets, count = [], [], 0
    for i, numbers in enumerate(chosen):
        if len(numbers):
            rows.append(features(i, numbers).double().numpy() * scale)
            targets.append(roidb[i].targets[numbers])
            count += len(numbers)
        if count and (count >= CHUNK or i + 1 == len(chosen)):
            yield np.concatenate(rows), np.concatenate(targets)
            rows, targets, count = [], [], 0


def whitening(targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, and the matrices that whiten centred (n, 4) targets and undo it.

    T = V diag(1/√(d + 0.001)) Vᵀ of the eigen-decomposition of the covariance, divisor n.
    """
    targets = np.asarray(targets, dtype=np.float64)
    mean = targets.mean(axis=0)
    centred = targets - mean
    variances, vectors = np.linalg.eigh(centred.T @ centred / len(targets))
    deviations = np.sqrt(variances + WHITENING_EPS)
    return mean, vectors / deviations @ vectors.T, vectors * deviations @ vectors.T
