"""The proposal store gives back what went in, and refuses what isn't its split's."""

import json

import numpy as np
import pytest

from frcn import config
from frcn.data.testing import TINY_CLASSES, write_tiny_tree
from frcn.data.voc import VOCDataset
from frcn.errors import UserError
from frcn.proposals import ProposalStore, write_store


@pytest.fixture
def tree(tmp_path):
    write_tiny_tree(tmp_path / "tree", {"train": 3, "test": 2})
    return tmp_path / "tree"


@pytest.fixture
def train(tree):
    return VOCDataset(tree, "train", TINY_CLASSES)


@pytest.fixture
def path(tmp_path, train):
    write_store(tmp_path / "out/train.npy", train, some_boxes(), RECIPE)
    return tmp_path / "out/train.npy"


RECIPE = config.SelectiveSearch(name="by_hand", method="selective_search", preset="fast")


def some_boxes():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 40, (count, 4), dtype=np.int16) for count in (5, 0, 2)]


def test_boxes_come_back_in_order(path, train):
    store = ProposalStore.open(path, train, RECIPE)
    assert store.n_images == 3
    assert store.header["recipe"]["name"] == "by_hand"
    for i, boxes in enumerate(some_boxes()):
        assert store.boxes(i).dtype == np.float32
        np.testing.assert_array_equal(store.boxes(i), boxes)
        for count in (0, 1, 2, 99):
            np.testing.assert_array_equal(store.boxes(i, count), boxes[:count])


def test_another_split_is_refused(path, tree):
    with pytest.raises(UserError, match="split 'train', wanted those of 'test'"):
        ProposalStore.open(path, VOCDataset(tree, "test", TINY_CLASSES), RECIPE)
    # The same pictures under another split's name: still not to be trained on.
    with pytest.raises(UserError, match="wanted those of 'test'"):
        ProposalStore.open(path, VOCDataset(tree, "train", TINY_CLASSES, split="test"), RECIPE)


def test_other_ids_or_pictures_are_refused(path, tree):
    listing = tree / "ImageSets/Main/train.txt"
    ids = listing.read_text().split()
    listing.write_text("\n".join(reversed(ids)))
    with pytest.raises(UserError, match="not the 3 of split 'train' in this order"):
        ProposalStore.open(path, VOCDataset(tree, "train", TINY_CLASSES), RECIPE)
    listing.write_text("\n".join(ids))
    picture = tree / "JPEGImages/train_2.jpg"
    picture.write_bytes(picture.read_bytes() + b"\0")
    with pytest.raises(UserError, match=r"another version of .*train_2\.jpg"):
        ProposalStore.open(path, VOCDataset(tree, "train", TINY_CLASSES), RECIPE)


def test_another_recipe_is_refused_with_both_sides(path, train):
    wanted = RECIPE.model_copy(update={"preset": "quality", "k": [50]})
    message = "made with preset: fast, k: None; wanted preset: quality, k: \\[50\\]"
    with pytest.raises(UserError, match=message):
        ProposalStore.open(path, train, wanted)


@pytest.mark.parametrize("damage", ["cut", "other boxes", "no npy", "no header", "half a header"])
def test_damage_is_refused(path, train, damage):
    header = path.with_suffix(".json")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-8])
    elif damage == "other boxes":
        np.save(path, np.zeros((7, 4), dtype=np.int16))
    elif damage == "no npy":
        path.unlink()
    elif damage == "no header":
        header.unlink()
    else:
        header.write_text(header.read_text()[:50])
    with pytest.raises(UserError, match=r"train\.(npy|json).*dvc repro"):
        ProposalStore.open(path, train, RECIPE)


def test_a_store_of_nothing_opens(tmp_path, train):
    write_store(tmp_path / "none.npy", train, [np.zeros((0, 4), dtype=np.int16)] * 3, RECIPE)
    assert ProposalStore.open(tmp_path / "none.npy", train, RECIPE).boxes(1).shape == (0, 4)


def test_wrong_numbers_or_types_are_refused(tmp_path, train):
    with pytest.raises(ValueError, match="2 images for a data set of 3"):
        write_store(tmp_path / "a.npy", train, some_boxes()[:2], RECIPE)
    with pytest.raises(ValueError, match="int16"):
        write_store(tmp_path / "a.npy", train, [np.zeros((1, 4))] * 3, RECIPE)
    assert not (tmp_path / "a.npy").exists()


def test_the_header_is_plain_json(path):
    header = json.loads(path.with_suffix(".json").read_text())
    assert header["offsets"] == [0, 5, 5, 7]
    assert header["ids"] == ["train_0", "train_1", "train_2"]
