"""Whatever happened to a picture or an annotation: ``fetch`` takes it or names it."""

import re

import numpy as np
import pytest
from mutations import ANNOTATION, PICTURE

from frcn import config
from frcn.data.fetch import fetch
from frcn.data.testing import TINY_CLASSES, assert_is_dataset, write_tiny_tree
from frcn.data.voc import VOCDataset
from frcn.errors import UserError

ANNOTATIONS, PICTURES = 500, 200


def profile(tree, on_invalid):
    return config.Profile(
        profile="tiny",
        data={
            "root": "data/tiny",
            "source": {"kind": "folder", "path": str(tree)},
            "classes": list(TINY_CLASSES),
            "splits": {"train": "train", "sound": "sound"},
            "on_invalid": on_invalid,
        },
    )


@pytest.mark.parametrize(
    ("folder", "mutations", "count"),
    [("Annotations", ANNOTATION, ANNOTATIONS), ("JPEGImages", PICTURE, PICTURES)],
)
def test_every_damaged_file_is_sound_or_named(tmp_path, folder, mutations, count):
    tree = tmp_path / "tree"
    write_tiny_tree(tree, {"train": count, "sound": 1})
    rng = np.random.default_rng(0)
    for i, path in enumerate(sorted((tree / folder).glob("train_*"))):
        path.write_bytes(mutations[i % len(mutations)](path.read_bytes(), rng))
    with pytest.raises(UserError) as stopped:
        fetch(profile(tree, "stop"), tmp_path, tmp_path / "data/tiny", workers=2)
    lines = str(stopped.value).splitlines()
    named = {match[1] for line in lines if (match := re.match(rf"  {folder}/(\w+)\.\w+: ", line))}
    assert count / 3 < len(named) < count
    # What is not named is valid; what is named loses its objects or goes, and nothing else does.
    manifest = fetch(profile(tree, "skip"), tmp_path, tmp_path / "data/tiny", workers=2)
    dataset = VOCDataset(tmp_path / "data/tiny", "train", TINY_CLASSES)
    assert_is_dataset(dataset, images=count)
    assert {f"train_{i}" for i in range(count)} - set(dataset.ids) <= named
    assert {re.search(r"/(\w+)\.", entry["file"])[1] for entry in manifest["skipped"]} == named
