"""Computing a split's proposals: by content, in parallel, through a kill, with its table."""

import csv
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from frcn import config
from frcn.boxes import areas
from frcn.data.testing import TINY_CLASSES, write_tiny_tree
from frcn.data.voc import VOCDataset
from frcn.errors import UserError
from frcn.proposals import cache
from frcn.proposals.compute import compute_proposals, recall_table, write_recall
from frcn.proposals.method import make_method
from frcn.proposals.recall import average_recall, match_greedily, recall

SETTINGS = config.SelectiveSearch(
    name="single", method="selective_search", preset="single", k=[30], min_side=4
)


@pytest.fixture
def dataset(tmp_path):
    write_tiny_tree(tmp_path / "tree", {"train": 5})
    return VOCDataset(tmp_path / "tree", "train", TINY_CLASSES)


@pytest.fixture
def computed(monkeypatch):
    """The pictures on which the method ran."""
    names = []
    compute = cache._compute

    def counting(picture, *rest):
        names.append(picture.stem)
        compute(picture, *rest)

    monkeypatch.setattr(cache, "_compute", counting)
    return names


def files(tmp_path):
    return {path: (tmp_path / path).read_bytes() for path in ("out/train.npy", "out/train.json")}


def compute(tmp_path, dataset, settings=SETTINGS, workers=1):
    return compute_proposals(
        dataset, settings, tmp_path / "out/train.npy", tmp_path / "cache", workers
    )


def test_the_store_has_the_boxes_of_each_picture(tmp_path, dataset):
    store = compute(tmp_path, dataset)
    method = make_method(SETTINGS)
    for i in range(len(dataset)):
        np.testing.assert_array_equal(store.boxes(i), method(dataset.image(i)))
    assert store.header["recipe"] == SETTINGS.model_dump(mode="json")


def test_parallel_is_the_same_to_the_byte(tmp_path, dataset):
    compute(tmp_path, dataset)
    serial = files(tmp_path)
    shutil.rmtree(tmp_path / "cache")
    compute(tmp_path, dataset, workers=2)
    assert files(tmp_path) == serial


def test_only_what_changed_is_computed_again(tmp_path, dataset, computed):
    compute(tmp_path, dataset)
    assert computed == dataset.ids
    compute(tmp_path, dataset)
    assert computed == dataset.ids
    write_tiny_tree(tmp_path / "other", {"train": 3}, seed=1)
    shutil.copy(tmp_path / "other/JPEGImages/train_2.jpg", dataset.image_path(2))
    changed = VOCDataset(dataset.root, "train", TINY_CLASSES)
    computed.clear()
    compute(tmp_path, changed)
    assert computed == ["train_2"]
    computed.clear()
    compute(tmp_path, changed, SETTINGS.model_copy(update={"seed": 1}))
    assert computed == dataset.ids


def test_one_picture_under_two_ids_is_computed_once(tmp_path, dataset, computed):
    shutil.copy(dataset.image_path(0), dataset.image_path(4))
    store = compute(tmp_path, dataset)
    assert len(computed) == 4
    np.testing.assert_array_equal(store.boxes(0), store.boxes(4))


KILLED = """
import sys
from pathlib import Path
from frcn.proposals import cache
from test_compute import SETTINGS, compute
from frcn.data.voc import VOCDataset
from frcn.data.testing import TINY_CLASSES
plain = cache._compute
done = []
def stopping(*args):
    if len(done) == 2:
        print("two are done", flush=True)
        sys.stdin.read()
    plain(*args)
    done.append(1)
cache._compute = stopping
compute(Path(sys.argv[1]), VOCDataset(Path(sys.argv[1]) / "tree", "train", TINY_CLASSES))
"""


def test_a_killed_run_goes_on_where_it_was(tmp_path, dataset, computed):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout.readline() == b"two are done\n"
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "out/train.npy").exists()
    compute(tmp_path, dataset)
    assert computed == ["train_2", "train_3", "train_4"]
    resumed = files(tmp_path)
    shutil.rmtree(tmp_path / "cache")
    compute(tmp_path, dataset)
    assert files(tmp_path) == resumed


def test_a_change_of_code_is_another_cache_entry(tmp_path, dataset, computed, monkeypatch):
    compute(tmp_path, dataset)
    computed.clear()
    monkeypatch.setattr(cache, "_code_hash", lambda: "edited")
    compute(tmp_path, dataset)
    assert computed == dataset.ids


def test_another_model_file_is_another_cache_entry(tmp_path):
    model = tmp_path / "model.yml.gz"
    edges = config.EdgeBoxes(
        name="edges", method="edge_boxes", edges="structured_forests", model=str(model)
    )
    both = config.Interleaved(name="both", method="interleaved", parts=[SETTINGS, edges])
    keys = {cache.cache_key(settings) for settings in (edges, both)}
    for content in (b"one", b"other"):
        model.write_bytes(content)
        keys |= {cache.cache_key(settings) for settings in (edges, both)}
    assert len(keys) == 6


@pytest.mark.parametrize("workers", [1, 2])
def test_unreadable_pictures_are_named_together_and_nothing_is_lost(tmp_path, dataset, workers):
    for i in (1, 3):
        dataset.image_path(i).write_bytes(b"no picture")
    broken = VOCDataset(dataset.root, "train", TINY_CLASSES)
    message = r"2 pictures are unreadable: .*train_1\.jpg, .*train_3\.jpg\. Mend"
    with pytest.raises(UserError, match=message):
        compute(tmp_path, broken, workers=workers)
    assert not (tmp_path / "out").exists()
    assert len(list((tmp_path / "cache").rglob("*.boxes"))) == 3
    for i in (0, 4):
        dataset.image_path(i).unlink()
    with pytest.raises(UserError, match=r"2 pictures are missing: .*train_0\.jpg, .*train_4"):
        compute(tmp_path, VOCDataset(dataset.root, "train", TINY_CLASSES))


def test_imported_lists_need_a_file_for_each_split(tmp_path, dataset):
    imported = config.ImportedBoxes(name="theirs", method="imported", files={"test": "a.mat"})
    with pytest.raises(UserError, match=r"theirs: no file for split 'train'; `files` has test"):
        compute(tmp_path, dataset, imported)


def test_the_table_is_that_of_the_recall_functions(tmp_path, dataset):
    store = compute(tmp_path, dataset)
    rows = recall_table(dataset, store)
    write_recall(tmp_path / "recall.csv", rows)
    with (tmp_path / "recall.csv").open() as file:
        read = list(csv.DictReader(file))
    everything = [row for row in read if row["group"] == "all"]
    counts = ["100", "200", "300", "500", "1000", "2000", "5000", "all"]
    assert [row["count"] for row in everything] == counts
    annotations = [dataset.annotation(i) for i in range(5)]
    boxes = [store.boxes(i) for i in range(5)]
    for row in everything:
        count = None if row["count"] == "all" else int(row["count"])
        used = np.mean([len(found[:count]) for found in boxes])
        assert float(row["boxes_per_image"]) == pytest.approx(used, abs=0.01)
        for column, value in (
            ("recall_50", recall(boxes, annotations, 0.5, count)),
            ("recall_70", recall(boxes, annotations, 0.7, count)),
            ("average_recall", average_recall(boxes, annotations, count)),
        ):
            assert float(row[column]) == pytest.approx(100 * value, abs=0.001)
    assert float(everything[-1]["recall_50"]) > 50


def test_groups_divide_the_objects(tmp_path, dataset):
    rows = recall_table(dataset, compute(tmp_path, dataset))
    last = {row["group"]: row for row in rows if row["count"] == "all"}
    hits, objects = dict.fromkeys([*TINY_CLASSES, "small", "medium"], 0), {}
    objects = dict(hits)
    for i in range(5):
        boxes = compute(tmp_path, dataset).boxes(i)
        annotation = dataset.annotation(i)
        matched = match_greedily(boxes, annotation.boxes)
        for label, area, overlap in zip(
            annotation.labels, areas(annotation.boxes), matched, strict=True
        ):
            for group in (TINY_CLASSES[label - 1], "small" if area < 1024 else "medium"):
                objects[group] += 1
                hits[group] += overlap >= 0.7
    expected = {group: count for group, count in objects.items() if count}
    assert {name: row["objects"] for name, row in last.items() if name != "all"} == expected
    for group, count in expected.items():
        assert last[group]["recall_70"] == pytest.approx(100 * hits[group] / count, abs=0.001)
