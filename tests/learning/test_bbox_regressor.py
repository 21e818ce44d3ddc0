"""Whitening by hand; ridge regression against the closed form in float64 (FACTS §2.5)."""

from dataclasses import dataclass

import numpy as np
import torch

from frcn.config import BboxRegressor
from frcn.learning.bbox_regressor import fit_bbox_regressors, whitening


@dataclass
class Entry:
    overlaps: np.ndarray
    labels: np.ndarray
    targets: np.ndarray


def world(seed=0, images=5, rois=30, dimension=4):
    rng = np.random.default_rng(seed)
    entries, features = [], []
    for _ in range(images):
        labels = rng.integers(0, 3, rois)
        overlaps = np.where(labels > 0, rng.uniform(0.3, 1, rois), 0).astype(np.float32)
        targets = rng.normal(0, 0.2, (rois, 4)).astype(np.float32)
        entries.append(Entry(overlaps, labels, targets))
        features.append(rng.normal(1, 2, (rois, dimension)).astype(np.float32))
    return entries, lambda i, rows: torch.from_numpy(features[i][rows]), np.concatenate(features)


def test_whitening_by_hand():
    """Two uncorrelated coordinates of variance 4 and 1: deviations √4.001 and √1.001."""
    targets = np.array([[2, 1, 0, 0], [2, -1, 0, 0], [-2, 1, 0, 0], [-2, -1, 0, 0]]) + 3.0
    mean, whiten, colour = whitening(targets)
    assert mean.tolist() == [3, 3, 3, 3]
    np.testing.assert_allclose(np.diag(whiten)[:2], [1 / np.sqrt(4.001), 1 / np.sqrt(1.001)])
    np.testing.assert_allclose(whiten @ colour, np.eye(4), atol=1e-12)


def test_equals_the_closed_form():
    entries, features, everything = world()
    settings = BboxRegressor(min_overlap=0.6, ridge=10)
    weight, bias, counts = fit_bbox_regressors(entries, features, 0.5, 2, settings)
    overlaps = np.concatenate([e.overlaps for e in entries])
    labels = np.concatenate([e.labels for e in entries])
    targets = np.concatenate([e.targets for e in entries]).astype(np.float64)
    for label in (1, 2):
        chosen = (overlaps > 0.6) & (labels == label)
        assert counts[label - 1] == chosen.sum()
        x = np.column_stack([everything[chosen] * 0.5, np.ones(chosen.sum())]).astype(np.float64)
        mean, whiten, colour = whitening(targets[chosen])
        wanted = (targets[chosen] - mean) @ whiten
        beta = np.linalg.solve(x.T @ x + 10 * np.eye(5), x.T @ wanted)
        predicted = x @ beta @ colour + mean
        rows = slice(4 * label, 4 * label + 4)
        found = everything[chosen] @ weight[rows].numpy().T + bias[rows].numpy()
        np.testing.assert_allclose(found, predicted, atol=1e-4)


def test_background_and_classes_without_examples_leave_boxes_alone():
    entries, features, _ = world()
    settings = BboxRegressor(min_overlap=0.6, ridge=10)
    weight, bias, counts = fit_bbox_regressors(entries, features, 1.0, 3, settings)
    assert counts[2] == 0
    for rows in (slice(0, 4), slice(12, 16)):
        assert (weight[rows] == 0).all()
        assert (bias[rows] == 0).all()


def test_chunks_change_nothing(monkeypatch):
    entries, features, _ = world()
    settings = BboxRegressor(min_overlap=0.5, ridge=10)
    whole = fit_bbox_regressors(entries, features, 1.0, 2, settings)[0]
    monkeypatch.setattr("frcn.learning.bbox_regressor.CHUNK", 3)
    parts = fit_bbox_regressors(entries, features, 1.0, 2, settings)[0]
    np.testing.assert_allclose(parts, whole, atol=1e-5)
