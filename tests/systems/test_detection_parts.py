"""Parts of a test split: what they bring back, and which they refuse to take up."""

import numpy as np
import pandas as pd
import pytest

from frcn.systems import detection_parts
from frcn.systems.detection_collector import DetectionCollector
from frcn.systems.detection_parts import DetectionParts

CLASSES = ("fish", "tree")
IDS = [f"image {i}" for i in range(9)]
TOTALS = {"boxes": 7, "seconds": {"conv": 0.1}}


@pytest.fixture(autouse=True)
def _parts_of_three(monkeypatch):
    monkeypatch.setattr(detection_parts, "IMAGES", 3)


def collector() -> DetectionCollector:
    """Few detections are kept, so that thresholds rise from the second image on."""
    return DetectionCollector(CLASSES, len(IDS), max_per_image=4, average_per_image=1)


def add(kept: DetectionCollector, numbers: range) -> None:
    """Detections of some images: float32, with equal scores, and in image 4 none above −∞."""
    for i in numbers:
        rng = np.random.default_rng(i)
        scores = np.round(rng.random((8, 3), dtype=np.float32), 1)
        kept.add(IDS[i], scores if i != 4 else scores - np.inf, rng.random((8, 12), np.float32))


def saved(folder, key="a key") -> pd.DataFrame:
    """Save two parts, and return the table of an unbroken test."""
    whole = collector()
    parts = DetectionParts(folder, key, whole)
    for images in (3, 6):
        add(whole, range(images - 3, images))
        parts.save(images, TOTALS)
    add(whole, range(6, 9))
    return whole.table()


def test_the_table_is_that_of_an_unbroken_test(tmp_path):
    expected = saved(tmp_path)
    again = collector()
    assert DetectionParts(tmp_path, "a key", again).restore(IDS) == (6, TOTALS)
    add(again, range(6, 9))
    pd.testing.assert_frame_equal(again.table(), expected, check_exact=True)


def test_nothing_to_restore(tmp_path):
    parts = DetectionParts(tmp_path / "resume", "a key", collector())
    assert parts.restore(IDS) == (0, {})
    parts.remove()
    saved(tmp_path / "resume")
    DetectionParts(tmp_path / "resume", "a key", collector()).remove()
    assert not (tmp_path / "resume").exists()


def test_parts_of_another_key_are_removed(tmp_path):
    saved(tmp_path)
    assert DetectionParts(tmp_path, "another key", collector()).restore(IDS) == (0, {})
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("share", [0, 0.05, 0.1, 0.3, 0.5, 0.7, 0.99])
@pytest.mark.parametrize("cut", [True, False])
def test_a_damaged_part_counts_as_absent(tmp_path, share, cut):
    expected = saved(tmp_path)
    (path,) = tmp_path.rglob("6.part")
    content = bytearray(path.read_bytes())
    place = int(share * len(content))
    content[place] ^= 1
    path.write_bytes(content[:place] if cut else content)
    again = collector()
    done, totals = DetectionParts(tmp_path, "a key", again).restore(IDS)
    assert (done, totals) == (3, TOTALS)
    add(again, range(done, 9))
    pd.testing.assert_frame_equal(again.table(), expected, check_exact=True)
