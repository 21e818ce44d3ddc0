"""Hard negative mining on toy features against one SVM that sees everything."""

from collections.abc import Iterable
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC

from frcn.config import Svm
from frcn.learning.example_store import ExampleStore
from frcn.learning.roidb import RoiImage, roi_image
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
        self.rois = np.zeros((42, 4), dtype=np.float32)
        self.dataset = SimpleNamespace(annotation=lambda i: SimpleNamespace(boxes=np.zeros((2, 4))))

    def negatives_of(self, label: int) -> np.ndarray:
        """Below 0.3 with the class; on the best object's class only, other classes count as 0."""
        of_class = np.where(self.labels == label, self.overlaps, 0)
        return self.features[of_class < 0.3]


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return [ToyImage(rng) for _ in range(40)]


@pytest.fixture
def features(images):
    return lambda i, rows: torch.from_numpy(images[i].features[rows])


SETTINGS = Svm(C=0.1, retrain_after=60, norm_images=1000)


def positives_and_negatives(images, label: int) -> tuple[np.ndarray, np.ndarray]:
    positives = np.concatenate([i.features[:2][i.labels[:2] == label] for i in images])
    return positives, np.concatenate([image.negatives_of(label) for image in images])


def all_features(images) -> tuple[np.ndarray, float]:
    """The (R, D) features of all images, and the scale that makes their mean norm 20."""
    everything = np.concatenate([image.features for image in images])
    return everything, 20 / np.linalg.norm(everything.astype(np.float64), axis=1).mean()


def one_svm(scale, positives, negatives) -> LinearSVC:
    svm = LinearSVC(
        C=0.1, class_weight={1: 2, -1: 1}, intercept_scaling=10, loss="hinge", random_state=3
    )
    rows = np.concatenate([positives, negatives]) * scale
    return svm.fit(rows, np.repeat([1, -1], [len(positives), len(negatives)]))


def test_a_single_fit_is_the_svm_on_everything(images, features, tmp_path):
    """All weights start at 0, so every negative is hard until the one fit after the pass."""
    settings = Svm(C=0.1, retrain_after=10**6, norm_images=1000)
    weight, bias, summary = fit_svms(images, features, CLASSES, settings, 3, tmp_path)
    everything, scale = all_features(images)
    for label in (1, 2):
        positives, negatives = positives_and_negatives(images, label)
        assert summary["negatives"][label - 1] == len(negatives)
        assert summary["fits"][label - 1] == 1
        expected = one_svm(scale, positives, negatives).decision_function(everything * scale)
        # Installed on unscaled features: the scale is in the weights and not in the bias.
        found = everything @ weight[label].numpy() + bias[label].item()
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_only_candidates_are_mined(images, features, tmp_path):
    settings = Svm(C=0.1, retrain_after=10**6, norm_images=1000)
    rows = np.arange(0, 42, 2)
    _, _, summary = fit_svms(images, features, CLASSES, settings, 3, tmp_path, lambda _: rows)
    for label in (1, 2):
        negatives = [(np.where(i.labels == label, i.overlaps, 0) < 0.3)[::2].sum() for i in images]
        assert summary["negatives"][label - 1] == sum(negatives)


def test_mining_ranks_as_an_svm_on_everything(images, features, tmp_path):
    weight, bias, summary = fit_svms(images, features, CLASSES, SETTINGS, 3, tmp_path)
    assert weight.shape == (CLASSES + 1, FEATURES)
    assert weight.dtype == bias.dtype == torch.float32
    assert (weight[0] == 0).all()
    assert bias[0] == 0
    everything, scale = all_features(images)
    assert summary["feature_scale"] == pytest.approx(scale, rel=1e-6)
    for label in (1, 2):
        positives, negatives = positives_and_negatives(images, label)
        expected = one_svm(scale, positives, negatives).decision_function(everything * scale)
        found = everything @ weight[label].numpy() + bias[label].item()
        assert np.corrcoef(found, expected)[0, 1] > 0.99
        lowest = (positives @ weight[label].numpy()).min()
        assert lowest > (negatives @ weight[label].numpy()).max()
        assert summary["positives"][label - 1] == len(positives)
        assert summary["fits"][label - 1] > 1
        assert summary["negatives"][label - 1] < len(negatives) / 2


def test_same_seed_same_svms(images, features, tmp_path):
    first, second = (
        fit_svms(images, features, CLASSES, SETTINGS, 3, tmp_path)[:2] for _ in range(2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_class_without_objects_detects_nothing(images, features, tmp_path):
    weight, bias, summary = fit_svms(images, features, CLASSES + 1, SETTINGS, 3, tmp_path)
    assert (weight[3] == 0).all()
    assert bias[3] == -np.inf
    assert bias[:3].isfinite().all()
    assert summary["positives"][2] == summary["fits"][2] == 0


def test_scale_is_of_some_random_images(images, features):
    settings = Svm(norm_images=1)
    candidates = [20 / np.linalg.norm(image.features, axis=1).mean() for image in images]
    scales = [feature_scale(images, features, settings, seed) for seed in range(5)]
    assert len(set(scales)) > 1
    for scale in scales:
        assert any(scale == pytest.approx(candidate, rel=1e-5) for candidate in candidates)


def test_scale_is_of_some_random_boxes_of_each_image():
    """Norms are powers of two, so that their mean tells which boxes were taken."""
    entries = [SimpleNamespace(rois=np.zeros((10, 4))) for _ in range(2)]

    def features(i: int, rows: np.ndarray) -> torch.Tensor:
        norms = 2.0 ** (10 * i + rows)
        return torch.from_numpy(norms[:, None] * np.array([0.6, 0.8])).float()

    def taken(seed: int, **settings: int) -> list[bool]:
        scale = feature_scale(entries, features, Svm(norm_images=2, **settings), seed)
        count = 2 * settings.get("norm_boxes", 10)
        total = round(20 / scale * count)
        return [bool(total >> bit & 1) for bit in range(20)]

    drawn = [taken(seed, norm_boxes=3) for seed in range(5)]
    assert all(sum(bits[:10]) == sum(bits[10:]) == 3 for bits in drawn)
    assert len({tuple(bits) for bits in drawn}) > 1
    assert drawn[0] == taken(0, norm_boxes=3)
    assert all(taken(0))
    assert all(taken(0, norm_boxes=10))


def test_initial_fit_mines_with_the_svm_of_the_first_image(images, features, tmp_path):
    """Against the same by hand; no later refit but the one at the end."""
    settings = Svm(
        C=0.1, retrain_after=10**6, norm_images=1000, initial_fit=True, evict_threshold=-1.2
    )
    weight, bias, summary = fit_svms(images, features, CLASSES, settings, 3, tmp_path)
    everything, scale = all_features(images)
    for label in (1, 2):
        positives, _ = positives_and_negatives(images, label)
        negatives = images[0].negatives_of(label)
        first = one_svm(scale, positives, negatives)
        later = np.concatenate([image.negatives_of(label) for image in images[1:]])
        hard = later[first.decision_function(later * scale) > -1.0001]
        assert 0 < len(hard) < len(later)
        assert summary["fits"][label - 1] == 2
        assert summary["negatives"][label - 1] == len(negatives) + len(hard)
        kept = negatives[first.decision_function(negatives * scale) >= -1.2]
        last = one_svm(scale, positives, np.concatenate([kept, hard]))
        found = everything @ weight[label].numpy() + bias[label].item()
        np.testing.assert_allclose(found, last.decision_function(everything * scale), atol=1e-3)


def entry_of(objects: np.ndarray, labels: np.ndarray, proposals: np.ndarray) -> RoiImage:
    annotation = SimpleNamespace(boxes=objects.astype(np.float32), labels=labels)
    return roi_image(SimpleNamespace(annotation=lambda i: annotation), 0, proposals, 0.5)


def candidates_of(
    monkeypatch, tmp_path: Path, entry: RoiImage, overlap_with: str
) -> list[list[int]]:
    """The rows that each of two classes is offered as negatives; a feature says its row."""
    offered = []
    with monkeypatch.context() as patch:
        patch.setattr(
            HardNegativeMiner, "mine", lambda self, hard: offered.append(self._store.read(hard))
        )
        # Rows are numbered from 1, and the mean norm is its own target: the scale is 1.
        numbers = torch.arange(1.0, len(entry.rois) + 1)[:, None]
        settings = Svm(overlap_with=overlap_with, target_norm=float(numbers.mean()))
        fit_svms([entry], lambda i, rows: numbers[rows], CLASSES, settings, 0, tmp_path)
    return [[round(float(number)) - 1 for (number,) in rows] for rows in offered]


def test_negatives_of_both_rules_worked_by_hand(monkeypatch, tmp_path):
    """Rows 0 and 1 are objects of class 1 and 2 that overlap by a third, above 0.3."""
    objects = np.array([[0, 0, 9, 9], [5, 0, 14, 9]])
    # 2/3 with both objects, of which the first counts as best; 1/3 with the second; nothing.
    proposals = np.array([[0, 0, 14, 9], [10, 0, 19, 9], [30, 30, 39, 39]])
    entry = entry_of(objects, np.array([1, 2]), proposals)
    assert candidates_of(monkeypatch, tmp_path, entry, "best_object") == [[1, 3, 4], [0, 2, 4]]
    assert candidates_of(monkeypatch, tmp_path, entry, "every_object") == [[3, 4], [4]]


def test_negatives_of_every_object_against_a_loop(monkeypatch, tmp_path):
    rng = np.random.default_rng(0)

    def boxes(count: int) -> np.ndarray:
        corner = rng.integers(0, 12, (count, 2))
        return np.concatenate([corner, corner + rng.integers(4, 12, (count, 2))], axis=1)

    for _ in range(20):
        labels = np.array([1, 2, *rng.integers(1, 3, 2)])
        entry = entry_of(boxes(4), labels, boxes(30))
        expected = [[], []]
        for row, label in product(range(34), (1, 2)):
            a = set(pixels_of(entry.rois[row]))
            others = [set(pixels_of(entry.rois[o])) for o in range(4) if labels[o] == label]
            if all(len(a & b) / len(a | b) < 0.3 for b in others):
                expected[label - 1].append(row)
        assert candidates_of(monkeypatch, tmp_path, entry, "every_object") == expected


def test_a_negative_of_several_classes_is_kept_once(monkeypatch, tmp_path):
    kept = []
    monkeypatch.setattr(HardNegativeMiner, "mine", lambda self, hard: kept.append(hard))
    objects = np.array([[0, 0, 9, 9], [20, 0, 29, 9]])
    entry = entry_of(objects, np.array([1, 2]), np.array([[50, 50, 59, 59], [40, 0, 49, 9]]))
    features = torch.rand((4, 3), generator=torch.Generator().manual_seed(0))
    fit_svms([entry], lambda i, rows: features[rows], CLASSES, SETTINGS, 0, tmp_path)
    # 0 and 1 are the positives. Each class has the other's object, and both proposals.
    assert kept == [[2, 3, 4], [5, 3, 4]]


def test_examples_leave_no_file(images, features, tmp_path):
    fit_svms(images, features, CLASSES, SETTINGS, 3, tmp_path / "scratch")
    assert not list((tmp_path / "scratch").iterdir())


def pixels_of(box: np.ndarray) -> Iterable[tuple[int, int]]:
    x1, y1, x2, y2 = box.astype(int)
    return product(range(x1, x2 + 1), range(y1, y2 + 1))


POSITIVES = np.array([[3.0, 0.0], [4.0, 0.0]], dtype=np.float32)
NEAR = np.array([[-1.0, 0.0]], dtype=np.float32)
FAR = np.array([[-9.0, 0.0], [-8.0, 1.0]], dtype=np.float32)


def miner_of(settings: Svm, folder: Path) -> tuple[HardNegativeMiner, list[int], list[int]]:
    """A miner of POSITIVES, and the numbers of NEAR and FAR in its store."""
    store = ExampleStore(folder, 2)
    miner = HardNegativeMiner(settings, store, store.add(POSITIVES).tolist(), 0)
    return miner, store.add(NEAR).tolist(), store.add(FAR).tolist()


def test_refit_after_enough_and_eviction_of_the_easy(tmp_path):
    miner, near, far = miner_of(Svm(C=10, retrain_after=2), tmp_path)
    miner.mine(near)
    miner.mine(far[:1])
    assert (miner.fits, miner.mined) == (0, 2)  # two is not more than retrain_after
    miner.mine(far[1:])
    assert (miner.fits, miner.mined) == (1, 3)
    # The near one is a support vector at score -1; the far ones are below -1.1 and gone.
    assert miner.negatives == near
    # Hard is what scores above -1.0001; the near one does not.
    hard = np.concatenate([NEAR + 0.1, FAR])
    assert miner.is_hard(hard).tolist() == [True, False, False]


def test_none_is_evicted_where_none_would_survive(tmp_path):
    miner, near, far = miner_of(Svm(C=10, evict_threshold=0), tmp_path)
    miner.mine(near + far)
    miner.fit()
    assert miner.negatives == near + far
