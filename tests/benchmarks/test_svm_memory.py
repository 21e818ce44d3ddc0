"""The benchmark of the SVMs' memory on tiny features: what it trains on, not how much it takes."""

import numpy as np

from benchmarks import svm_memory


def test_what_is_measured(monkeypatch, tmp_path):
    for name, value in {"ROIS": 60, "FEATURES": 8, "CLASSES": 3}.items():
        monkeypatch.setattr(svm_memory, name, value)
    svm_memory.draw_features(tmp_path / "cache", 5)
    found = svm_memory.measure(tmp_path / "cache", 5)
    assert (found["images"], found["objects"]) == (5, 15)
    # Each image has its three objects beside the RoIs.
    assert found["features on disk, MB"] == round(5 * 63 * 8 * 2 / 1e6)
    assert found["fits"] >= 3
    assert found["peak, MB"] >= found["peak before, MB"] > 0


def test_an_image_has_rois_on_and_off_its_objects():
    entry = svm_memory._entry(np.random.default_rng(0))
    assert len(entry.rois) == svm_memory.ROIS + 3
    assert (entry.overlaps[:3] == 1).all()
    assert 0.01 < (entry.overlaps >= 0.5).mean() < 0.2
    assert (entry.overlaps < 0.3).mean() > 0.5
    assert set(entry.labels[entry.overlaps == 0]) == {0}
