"""Hard negative mining on toy features against one SVM that sees everything."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC

from frcn.config import Svm
from frcn.learning.svm import HardNegativeMiner, feature_scale, fit_svms

CLASSES, FEATURES = 2, 6


class ToyImage:
    """One image: 2 objects, then 40 proposals; an RoI's features show the class it lies on."""

    def __init__(self, rng: np.random.Generator) -> None:
        objects = rng.integers(1, CLASSES + 1, 2)
        labels = np.concatenate([objects, rng.integers(0, CLASSES + 1, 40)])
        self.overlaps = np.where(labels > 0, rng.uniform(0.05, 0.9, 42), 0.0)
        self.overlaps[:2] = 1
        self.labels = labels
        shown = np.where(self.overlaps >= 0.3, labels, 0)
        self.features = rng.normal(0, 0.4, (42, FEATURES)).astype(np.float32)
        self.features[np.arange(42), shown] += 2
        self.features = np.maximum(self.features, 0)
        self.index = 0
        self.dataset = SimpleNamespace(annotation=lambda i: SimpleNamespace(boxes=np.zeros((2, 4))))

    def negatives_of(self, label: int) -> np.ndarray:
        """Below 0.3 with the class; on the best object's class only, other classes count as 0."""
        return self.features[[found != label or overlap < 0.3 for found, overlap in self.rois()]]

    def rois(self):
        return zip(self.labels, self.overlaps, strict=True)


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return [ToyImage(rng) for _ in range(40)]


def features(image: ToyImage) -> torch.Tensor:
    return torch.from_numpy(image.features)


SETTINGS = Svm(C=0.1, retrain_after=60, norm_images=1000)


def positives_and_negatives(images, label: int) -> tuple[np.ndarray, np.ndarray]:
    positives = np.concatenate([i.features[:2][i.labels[:2] == label] for i in images])
    return positives, np.concatenate([image.negatives_of(label) for image in images])


def all_features(images) -> tuple[np.ndarray, float]:
    """The (R, D) features of all images, and the scale that makes their mean norm 20."""
    everything = np.concatenate([image.features for image in images])
    return everything, 20 / np.linalg.norm(everything.astype(np.float64), axis=1).mean()


def scores_of_one_svm(everything, scale, positives, negatives) -> np.ndarray:
    svm = LinearSVC(
        C=0.1, class_weight={1: 2, -1: 1}, intercept_scaling=10, loss="hinge", random_state=3
    )
    rows = np.concatenate([positives, negatives]) * scale
    svm.fit(rows, np.repeat([1, -1], [len(positives), len(negatives)]))
    return svm.decision_function(everything * scale)


def test_a_single_fit_is_the_svm_on_everything(images):
    """All weights start at 0, so every negative is hard until the one fit after the pass."""
    settings = Svm(C=0.1, retrain_after=10**6, norm_images=1000)
    weight, bias, summary = fit_svms(images, features, CLASSES, settings, 3)
    everything, scale = all_features(images)
    for label in (1, 2):
        positives, negatives = positives_and_negatives(images, label)
        assert summary["negatives"][label - 1] == len(negatives)
        assert summary["fits"][label - 1] == 1
        expected = scores_of_one_svm(everything, scale, positives, negatives)
        # Installed on unscaled features: the scale is in the weights and not in the bias.
        found = everything @ weight[label].numpy() + bias[label].item()
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_mining_ranks_as_an_svm_on_everything(images):
    weight, bias, summary = fit_svms(images, features, CLASSES, SETTINGS, 3)
    assert weight.shape == (CLASSES + 1, FEATURES)
    assert weight.dtype == bias.dtype == torch.float32
    assert (weight[0] == 0).all()
    assert bias[0] == 0
    everything, scale = all_features(images)
    assert summary["feature_scale"] == pytest.approx(scale, rel=1e-6)
    for label in (1, 2):
        positives, negatives = positives_and_negatives(images, label)
        expected = scores_of_one_svm(everything, scale, positives, negatives)
        found = everything @ weight[label].numpy() + bias[label].item()
        assert np.corrcoef(found, expected)[0, 1] > 0.99
        lowest = (positives @ weight[label].numpy()).min()
        assert lowest > (negatives @ weight[label].numpy()).max()
        assert summary["positives"][label - 1] == len(positives)
        assert summary["fits"][label - 1] > 1
        assert summary["negatives"][label - 1] < len(negatives) / 2


def test_same_seed_same_svms(images):
    first, second = (fit_svms(images, features, CLASSES, SETTINGS, 3)[:2] for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_class_without_objects_keeps_scoring_zero(images):
    weight, bias, summary = fit_svms(images, features, CLASSES + 1, SETTINGS, 3)
    assert (weight[3] == 0).all()
    assert bias[3] == 0
    assert summary["positives"][2] == summary["fits"][2] == 0


def test_scale_is_of_some_random_images(images):
    settings = Svm(norm_images=1)
    candidates = [20 / np.linalg.norm(image.features, axis=1).mean() for image in images]
    scales = [feature_scale(images, features, settings, seed) for seed in range(5)]
    assert len(set(scales)) > 1
    for scale in scales:
        assert any(scale == pytest.approx(candidate, rel=1e-5) for candidate in candidates)


POSITIVES = np.array([[3.0, 0.0], [4.0, 0.0]], dtype=np.float32)
NEAR = np.array([[-1.0, 0.0]], dtype=np.float32)
FAR = np.array([[-9.0, 0.0], [-8.0, 1.0]], dtype=np.float32)


def test_refit_after_enough_and_eviction_of_the_easy():
    miner = HardNegativeMiner(Svm(C=10, retrain_after=2), POSITIVES, 0)
    miner.mine(NEAR)
    miner.mine(FAR[:1])
    assert (miner.fits, miner.mined) == (0, 2)  # two is not more than retrain_after
    miner.mine(FAR[1:])
    assert (miner.fits, miner.mined) == (1, 3)
    # The near one is a support vector at score -1; the far ones are below -1.1 and gone.
    np.testing.assert_array_equal(miner._negatives, NEAR)
    miner.mine(FAR)
    assert miner.mined == 3  # scored below -1.0001: not hard


def test_none_is_evicted_where_none_would_survive():
    miner = HardNegativeMiner(Svm(C=10, evict_threshold=0), POSITIVES, 0)
    miner.mine(np.concatenate([NEAR, FAR]))
    miner.fit()
    np.testing.assert_array_equal(miner._negatives, np.concatenate([NEAR, FAR]))
