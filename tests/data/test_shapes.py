"""The generated data set: reproducible, varied, and annotated by what can be seen."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from frcn.data.shapes import CLASSES, PRETRAINING_CLASSES, generate, pretraining_batch, render
from frcn.data.shapes.scene import HEIGHT, WIDTH
from frcn.data.voc import VOCDataset

SEED = 3
N_SCENES = 180


@pytest.fixture(scope="module")
def scenes():
    return [render(SEED, "train", index) for index in range(N_SCENES)]


@pytest.fixture(scope="module")
def objects(scenes):
    return [thing for scene in scenes for thing in scene.objects]


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("one-worker")
    generate(root, {"train": 12, "test": 4}, SEED)
    return root


def _files(root: Path) -> dict[str, bytes]:
    paths = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def test_bytes_do_not_depend_on_the_number_of_workers_or_other_splits(tree, tmp_path):
    # The same folder name, because the annotations carry it.
    again = tmp_path / tree.name
    generate(again, {"train": 12}, SEED, workers=2)
    files, whole = _files(again), _files(tree)
    assert len(files) == 12 + 12 + 1 + len(CLASSES)
    assert files == {name: whole[name] for name in files}


def test_seed_split_and_index_each_change_the_picture():
    pictures = [render(*key).image for key in ((0, "a", 0), (1, "a", 0), (0, "b", 0), (0, "a", 1))]
    for i, picture in enumerate(pictures):
        for other in pictures[i + 1 :]:
            assert (picture != other).any()


def test_the_reader_returns_what_was_rendered(tree):
    dataset = VOCDataset(tree, "train", CLASSES)
    assert dataset.ids == [f"train_{index:05d}" for index in range(12)]
    for i in range(len(dataset)):
        scene, annotation = render(SEED, "train", i), dataset.annotation(i)
        assert dataset.size(i) == (HEIGHT, WIDTH)
        assert annotation.boxes.tolist() == [list(thing.box) for thing in scene.objects]
        assert [CLASSES[k - 1] for k in annotation.labels] == [t.name for t in scene.objects]
        assert annotation.difficult.tolist() == [thing.difficult for thing in scene.objects]
        assert annotation.truncated.tolist() == [thing.truncated for thing in scene.objects]
        # JPEG loses a little, but it is this picture.
        loss = dataset.image(i).astype(int) - scene.image
        assert np.abs(loss).mean() < 8


def test_splits_share_no_id(tree):
    train, test = (VOCDataset(tree, split, CLASSES).ids for split in ("train", "test"))
    assert not set(train) & set(test)


def test_boxes_are_tight_around_the_visible_pixels_and_inside_the_image(scenes):
    for scene in scenes:
        assert scene.image.shape == (HEIGHT, WIDTH, 3)
        for number, thing in enumerate(scene.objects, start=1):
            y, x = np.nonzero(scene.owner == number)
            assert thing.box == (x.min(), y.min(), x.max(), y.max())
            assert 0 <= thing.box[0] <= thing.box[2] < WIDTH
            assert 0 <= thing.box[1] <= thing.box[3] < HEIGHT


def test_truncated_objects_touch_the_border(objects):
    for thing in objects:
        x1, y1, x2, y2 = thing.box
        if thing.truncated and not thing.difficult:
            assert min(x1, y1, WIDTH - 1 - x2, HEIGHT - 1 - y2) <= 25


def test_truncated_and_difficult_objects_occur_but_do_not_prevail(objects):
    for flag in ("truncated", "difficult"):
        share = np.mean([getattr(thing, flag) for thing in objects])
        assert 0.02 < share < 0.35


def test_classes_have_a_long_tail(objects):
    counts = Counter(thing.name for thing in objects)
    assert set(counts) == set(CLASSES)
    assert counts.most_common(1)[0][0] == "fish"
    assert counts["fish"] > 3 * counts["truck"]
    assert 0.02 < counts["truck"] / len(objects) < 0.1


def test_every_picture_has_an_object_that_counts(scenes):
    assert all(any(not thing.difficult for thing in scene.objects) for scene in scenes)


def test_objects_per_image(scenes):
    counts = [len(scene.objects) for scene in scenes]
    assert min(counts) >= 1
    assert max(counts) <= 7
    assert 2.3 < np.mean(counts) < 3.7


def test_areas_span_two_orders_of_magnitude(objects):
    x1, y1, x2, y2 = np.array([thing.box for thing in objects if not thing.difficult]).T
    areas = (x2 - x1 + 1) * (y2 - y1 + 1)
    assert areas.max() > 100 * areas.min()


def test_pretraining_classes_are_others():
    assert len(PRETRAINING_CLASSES) >= 12
    assert not set(PRETRAINING_CLASSES) & set(CLASSES)


def test_pretraining_images_do_not_depend_on_the_batch():
    images, labels = pretraining_batch(10, 48, seed=SEED)
    assert images.shape == (10, 48, 48, 3)
    assert images.dtype == np.uint8
    later_images, later_labels = pretraining_batch(4, 48, seed=SEED, start=6)
    np.testing.assert_array_equal(later_images, images[6:])
    np.testing.assert_array_equal(later_labels, labels[6:])
    assert (pretraining_batch(10, 48, seed=SEED + 1)[0] != images).any()


def test_pretraining_labels_cover_all_classes_evenly():
    _, labels = pretraining_batch(800, 16, seed=SEED)
    counts = np.bincount(labels, minlength=len(PRETRAINING_CLASSES))
    assert labels.dtype == np.int64
    assert counts.min() > 0.5 * counts.mean()
    assert counts.max() < 1.6 * counts.mean()
