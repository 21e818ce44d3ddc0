"""A small world of artefacts for the report: written by hand, so every number is known."""

import importlib
import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml

from frcn.config import Cell, SelectiveSearch
from frcn.data.voc import VOCDataset
from frcn.data.voc_tree import (
    VOCImage,
    VOCObject,
    make_folders,
    write_annotation,
    write_image_set,
)
from frcn.proposals.compute import recall_table, write_recall
from frcn.proposals.store import ProposalStore, write_store
from frcn.report.build import build
from frcn.report.cells import Cells, read_cells
from tiny_world import PRETRAINING

CLASSES = ["fish", "kite"]
PAPER = Path(__file__).parents[2] / "conf" / "paper"
PARENTS = {"piecewise": "no_bbox_reg", "svm": "default"}
RESAMPLES = 200
PROPOSALS = SelectiveSearch(name="selective_search", method="selective_search", preset="fast")


def cell_values(
    experiment: str,
    profile: str,
    network: str,
    proposals: int,
    similar_classes: Sequence[Sequence[str]] = (),
) -> dict:
    """The resolved config of a cell, as the configs stage writes it."""
    scales = {"short_sides": [64], "max_size": 128}
    kind = "none" if experiment in ("svd", "multitask_no_bbox_reg") else "sgd"
    parent = "default" if kind == "none" else PARENTS.get(experiment, "backbone")
    return {
        "profile": profile,
        "experiment": experiment,
        "network": {
            "name": network,
            "first_layer": "conv1_1",
            "learn_from": "conv3_1",
            "rcnn_batch": 128,
            "svd_ranks": {"fc6": 8},
            "weights": PRETRAINING,
        },
        "data": {
            "root": "data/mini",
            "source": {"kind": "folder", "path": "nowhere"},
            "classes": CLASSES,
            "splits": {"trainval": "trainval", "test": "test"},
        },
        "proposals": {
            "name": "selective_search",
            "method": "selective_search",
            "preset": "fast",
        },
        "train": {
            "kind": kind,
            "parent": parent,
            "splits": ["trainval"],
            "proposals": proposals,
            "learn_from": "conv3_1",
            "scales": scales,
        },
        "test": {"split": "test", "proposals": proposals, "scales": scales},
        "score": {"similar_classes": [list(group) for group in similar_classes]},
    }


class World:
    """A repository's inputs to the report under one folder, and the report itself."""

    def __init__(
        self, root: Path, profile: str = "mini", similar_classes: Sequence[Sequence[str]] = ()
    ) -> None:
        self.root = root
        self.profile = profile
        self.similar_classes = similar_classes
        self.out = root / "results" / profile

    def configure(self, experiment: str, network: str = "XS", proposals: int = 400) -> None:
        values = cell_values(experiment, self.profile, network, proposals, self.similar_classes)
        cell = Cell.model_validate(values).model_dump(mode="json")
        path = self.root / "configs" / self.profile / f"{network}-{experiment}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(cell))

    def run(
        self,
        experiment: str,
        value: float,
        seed: int = 0,
        network: str = "XS",
        seconds: float = 0.02,
        noise: float = 1.0,
        proposals: int = 400,
        train_seconds: float = 30.0,
        train_phases: dict[str, float] | None = None,
        ap: dict[str, float | None] | None = None,
        positives: list[int] | None = None,
    ) -> None:
        """Configure a cell and leave what its stages leave, with mAP ``value``.

        ``positives``: training objects of each class, as a training with SVMs leaves them.
        """
        self.configure(experiment, network, proposals)
        run = f"{network}-{experiment}-{seed}"
        artefacts = self.root / "artefacts" / self.profile
        score = artefacts / "score" / run
        for folder in (score, artefacts / "train" / run, artefacts / "detect" / run):
            folder.mkdir(parents=True, exist_ok=True)
        # The same draws for every cell: paired, so a difference has next to no spread.
        shared = np.random.default_rng(7).normal(0, 2, RESAMPLES)
        own = np.random.default_rng(hash_of(run)).normal(0, noise, RESAMPLES)
        np.save(score / "bootstrap.npy", value + shared + own)
        kinds = dict.fromkeys(
            ("correct", "localisation", "similar", "other", "background", "duplicate"), 2
        )
        kinds["similar"] *= bool(self.similar_classes)
        _json(
            score / "score.json",
            {
                "map_11pt": value,
                "map_area": value + 1,
                "low": value - 4,
                "high": value + 4,
                "ap": ap or {"fish": value + 5, "kite": value - 5},
                "ap_area": {"fish": value + 6, "kite": value - 4},
                "n_test_images": 6,
                "n_objects": 12,
                "recall_50": 90.0,
                "average_recall": 10.0 + proposals / 200,
                "proposals_per_image": float(proposals),
                "errors": {name: {**kinds, "missed": 1} for name in CLASSES},
            },
        )
        recall = np.linspace(0, 0.9, 20)
        pd.concat(
            pd.DataFrame({"class": n, "recall": recall, "precision": 1 - recall / 2, "score": 0.5})
            for n in CLASSES
        ).to_csv(score / "curves.csv", index=False)
        _json(
            artefacts / "detect" / run / "detect.json",
            {
                "n_images": 6,
                "seconds_per_image": seconds,
                "phases": {"conv": seconds},
                "parameters": 1_500_000,
                "device": "A processor",
                "threads": 2,
                "proposals_per_image": 9.0,
            },
        )
        train = {"seconds": train_seconds, "steps": 100, "device": "A processor", "threads": 2}
        train |= {"phases": train_phases} if train_phases else {}
        train |= {"positives": positives} if positives else {}
        _json(artefacts / "train" / run / "train.json", train)
        step = np.arange(1, 101)
        pd.DataFrame({"step": step, "lr": 0.01, "loss": 2 / step**0.3}).to_csv(
            artefacts / "train" / run / "loss.csv", index=False
        )

    def cells(self, seeds=(0,), noise_seeds=(), repeated=("default",)) -> Cells:
        folders = self.root / "configs", self.root / "artefacts"
        return read_cells(self.profile, *folders, seeds, noise_seeds, repeated)

    def build(self, seeds=(0,), noise_seeds=(), repeated=("default",)) -> Path:
        build(
            self.profile,
            self.root / "configs",
            self.root / "artefacts",
            PAPER,
            self.root / "data",
            self.root / "benchmarks" / "results",
            seeds,
            self.out,
            noise_seeds,
            repeated,
        )
        return self.out

    def write_timing(self, network: str = "L", **changes) -> None:
        """Measurements at the paper's scale: R-CNN's are extrapolated; ``changes`` are of fields.

        A pass of Fast R-CNN takes 2 s, of which fc6 and fc7 take 1 s.
        """
        passes = {
            "fast_rcnn": {"conv": 0.8, "pool": 0.1, "fc6": 0.8, "fc7": 0.2, "other": 0.1},
            "fast_rcnn_svd": {"conv": 0.8, "pool": 0.1, "fc6": 0.3, "fc7": 0.1, "other": 0.1},
            "rcnn": {"conv": 198.0, "fc6": 0.8, "fc7": 0.2, "other": 1.0},
            "spp_net": {"conv": 38.0, "pool": 0.9, "fc6": 0.8, "fc7": 0.2, "other": 0.1},
        }
        rows = []
        for system, phases in passes.items():
            total = sum(phases.values())
            for phase, seconds in {**phases, "total": total}.items():
                rows.append(self.timing_row(system, phase, seconds))
        rows.append(self.timing_row("rcnn", "step", 100.0))
        rows.append(self.timing_row("rcnn", "training", 720_000.0))
        rows.append(self.timing_row("fast_rcnn", "step", 4.5))
        rows.append(self.timing_row("fast_rcnn", "training", 180_000.0))
        steps = [
            {
                "images": images,
                "seconds": [seconds] * 3,
                "extrapolated": images == 128,
                "multiply_adds": 10**12 * images,
            }
            for images, seconds in ((1, 2.5), (2, 5.0), (16, 30.0), (128, 250.0))
        ]
        values = {
            "network": network,
            "device": "A processor",
            "threads": 2,
            "precision": "float32",
            "torch": "2.0",
            "product": {"side": 1000, "seconds": [0.01, 0.002, 0.005]},
            "image": [600, 800],
            "rois": 2000,
            "unique_rois": 1900,
            "rows": rows,
            "steps": steps,
        }
        _json(self.root / "artefacts" / "timing" / f"{network}.json", values | changes)

    @staticmethod
    def timing_row(system: str, phase: str, *seconds: float) -> dict:
        """A row of the measurements; one number stands for three equal repeats."""
        return {
            "system": system,
            "phase": phase,
            "seconds": list(seconds) if len(seconds) > 1 else list(seconds) * 3,
            "extrapolated": system == "rcnn",
            "multiply_adds": None,
            "note": "from 64 crops of 2000" if system == "rcnn" else "",
        }

    def write_proposal_times(self, **seconds) -> Path:
        """The benchmark's seconds of pictures that are 500 px wide, and of one that is not."""
        names = {
            "opencv": "OpenCV's selective search, fast",
            "ours": "selective search, fast",
            "edge_boxes": "EdgeBoxes, gradient",
        }
        rows = [
            {
                "width": width,
                "pictures": len(of),
                "method": names[key],
                "seconds": 1.0,
                "boxes": 9.0,
            }
            | {"seconds_of_pictures": " ".join(map(str, of)) if width == "500" else "7.0"}
            | dict.fromkeys(("recall_50", "recall_70", "average_recall"), 50.0)
            | dict.fromkeys(("machine", "opencv", "date"), "one")
            for width in ("native", "500")
            for key, of in seconds.items()
        ]
        path = self.root / f"benchmarks/results/proposals-{self.profile}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_csv(path, index=False)
        return path

    def dataset(self, split: str = "test") -> VOCDataset:
        return VOCDataset(self.root / "data" / self.profile, split, CLASSES)

    def write_data(self, skipped: int = 0) -> None:
        """Two splits of six pictures with two objects each, and the test split's recall."""
        tree = self.root / "data" / self.profile
        make_folders(tree)
        rng = np.random.default_rng(0)
        for split in ("trainval", "test"):
            images = []
            for i in range(6):
                boxes = [(5 + i, 8, 40 + i, 50), (50, 20, 90, 60 + i)]
                picture = rng.integers(0, 255, (80, 100, 3), dtype=np.uint8)
                objects = tuple(
                    VOCObject(n, b, False, False) for n, b in zip(CLASSES, boxes, strict=True)
                )
                images.append(VOCImage(f"{split}{i}", 100, 80, objects))
                cv2.imwrite(str(tree / "JPEGImages" / f"{split}{i}.jpg"), picture)
                write_annotation(tree, images[-1])
            write_image_set(tree, split, CLASSES, images)
        problem = {"file": "a.xml", "object": 1, "problem": "inverted box"}
        _json(tree / "manifest.json", {"profile": "mini", "skipped": [problem] * skipped})
        test = self.dataset()
        # Perfect proposals: one box covers half of the objects, two all of them.
        boxes = [test.annotation(i).boxes.astype(np.int16) for i in range(6)]
        folder = self.root / "artefacts" / self.profile / "proposals" / PROPOSALS.name
        write_store(folder / "test.npy", test, boxes, PROPOSALS)
        store = ProposalStore.open(folder / "test.npy", test, PROPOSALS)
        recall = folder.parents[1] / "recall" / f"{PROPOSALS.name}.csv"
        write_recall(recall, recall_table(test, store))

    def write_detections(self, run: str, found: dict[int, int], false: dict[int, int]) -> None:
        """``found[i]`` perfect detections on test picture i and ``false[i]`` of nothing."""
        test = self.dataset()
        rows = []
        for i, image_id in enumerate(test.ids):
            annotation = test.annotation(i)
            for k in range(found.get(i, 0)):
                rows.append(
                    (image_id, CLASSES[annotation.labels[k] - 1], 0.9, *annotation.boxes[k])
                )
            for k in range(false.get(i, 0)):
                rows.append((image_id, "fish", 0.6, 92, 2 + 9 * k, 98, 8 + 9 * k))
        columns = ["image_id", "class", "score", "x1", "y1", "x2", "y2"]
        frame = pd.DataFrame(rows, columns=columns)
        folder = self.root / "artefacts" / self.profile / "detect" / run
        folder.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(folder / "detections.parquet")


def hash_of(text: str) -> int:
    """A number from a text that is the same in every process."""
    return zlib.crc32(text.encode())


def _json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


@pytest.fixture
def no_charts(monkeypatch):
    """Leaves the charts out, which take most of a build's time."""
    # The package exports the function of the same name, which hides the module.
    module = importlib.import_module("frcn.report.build")
    monkeypatch.setattr(module, "_charts", lambda *_: [])


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


@pytest.fixture
def make_world(tmp_path):
    return lambda profile, **options: World(tmp_path, profile, **options)


def full_world(root: Path) -> World:
    """A world of four cells that were run and one that was not, with data and detections."""
    world = World(root)
    world.write_data()
    world.run("default", 60.0)
    world.run("proposals_1k", 50.0, proposals=100)
    world.run("proposals_2k", 55.0, proposals=200)
    world.run("fc_only", 52.0)
    world.configure("svd")
    world.write_detections("XS-default-0", found={0: 2, 1: 2, 2: 1, 3: 1}, false={1: 1, 3: 2})
    world.write_detections("XS-fc_only-0", found={0: 1, 4: 2}, false={2: 1})
    return world


@pytest.fixture
def full(tmp_path) -> World:
    return full_world(tmp_path)


@pytest.fixture(scope="session")
def page(tmp_path_factory) -> Path:
    """The page of :func:`full_world`, built once; whoever needs a change builds their own."""
    return full_world(tmp_path_factory.mktemp("page")).build() / "report.html"
