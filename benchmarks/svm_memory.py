"""Measure the memory that the training of SVMs takes, for few images and for four times as many.

    python benchmarks/svm_memory.py

Every size has a process of its own, with the paper's 2000 RoIs an image, 4096 features and 20
classes, read from a feature cache as R-CNN's are. The features are random; those of objects lie
around a mean of their class. Prints the table as Markdown and writes
``benchmarks/results/svm_memory.csv``. Takes about five minutes and 5 GB of temporary disk space.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from frcn.config import Svm
from frcn.data.voc import Annotation
from frcn.learning.feature_cache import FeatureCache, build_cache
from frcn.learning.roidb import RoiImage, roi_image
from frcn.learning.svm import fit_svms
from frcn.machine import cpu_name
from frcn.report.table import markdown_table, write_csv

IMAGES = (60, 240)
ROIS = 2000
FEATURES = 4096
CLASSES = 20
KEY = "benchmark of the SVMs' memory"
SVM = Svm(
    overlap_with="every_object",
    initial_fit=True,
    evict_threshold=-1.2,
    norm_images=200,
    norm_boxes=200,
    tolerance=0.1,
)
RESULTS = Path("benchmarks/results")
HEIGHT, WIDTH = 375, 500
MB = 1e6


@dataclass(frozen=True)
class Annotations:
    """A data set of which only the annotations are asked for."""

    images: tuple[Annotation, ...]

    def annotation(self, i: int) -> Annotation:
        """The objects of image ``i``."""
        return self.images[i]


def main() -> None:
    """Measure every size and write the table."""
    rows = []
    for images in IMAGES:
        with tempfile.TemporaryDirectory() as folder:
            draw_features(Path(folder) / "cache", images)
            command = [sys.executable, __file__, folder, str(images)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    table = pd.DataFrame(rows)
    write_csv(RESULTS / "svm_memory.csv", table)
    print(f"{cpu_name()}\n")
    print(markdown_table(list(table.columns), table.astype(str).to_numpy().tolist(), ()))


def images_of(count: int) -> list[RoiImage]:
    """So many images, the same in every process."""
    generator = np.random.default_rng(0)
    return [_entry(generator) for _ in range(count)]


def draw_features(folder: Path, images: int) -> None:
    """A feature cache of so many images; in a process that is not measured."""
    roidb = images_of(images)
    generator = np.random.default_rng(1)
    means = generator.normal(size=(CLASSES + 1, FEATURES)).astype(np.float32)

    def draw(i: int) -> np.ndarray:
        noise = np.random.default_rng(i).standard_normal((len(roidb[i].rois), FEATURES), np.float32)
        objects = np.where(roidb[i].overlaps >= 0.5, roidb[i].labels, 0)
        return np.maximum(means[objects] + 2 * noise, 0)

    build_cache(folder, KEY, [(len(e.rois), FEATURES) for e in roidb], draw, "draw features")


def measure(folder: Path, images: int) -> dict:
    """Peak memory before and in a training on so many images with a cache, and its seconds."""
    roidb = images_of(images)
    cache = FeatureCache.open(folder, KEY)
    before = _peak()
    start = time.perf_counter()

    def features(i: int, rows: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(cache[i][rows].astype(np.float32))

    _, _, mined = fit_svms(roidb, features, CLASSES, SVM, seed=0, folder=folder)
    return {
        "images": images,
        "objects": sum(mined["positives"]),
        "hard negatives": sum(mined["negatives"]),
        "fits": sum(mined["fits"]),
        "features on disk, MB": round(sum(2 * FEATURES * len(e.rois) for e in roidb) / MB),
        "peak before, MB": round(before / MB),
        "peak, MB": round(_peak() / MB),
        "seconds": round(time.perf_counter() - start, 1),
    }


def _entry(generator: np.random.Generator) -> RoiImage:
    """An image of three objects; a tenth of its RoIs lie around them."""
    objects = _boxes(3, generator)
    near = objects.repeat(ROIS // 30, axis=0) + generator.integers(
        -12, 13, size=(ROIS // 30 * 3, 4)
    )
    far = _boxes(ROIS - len(near), generator)
    labels = generator.integers(1, CLASSES + 1, size=len(objects))
    none = np.zeros(len(objects), dtype=bool)
    annotation = Annotation(objects.astype(np.float32), labels, none, none)
    return roi_image(Annotations((annotation,)), 0, np.concatenate([near, far]), 0.5)


def _boxes(count: int, generator: np.random.Generator) -> np.ndarray:
    corners = generator.integers(0, [WIDTH - 60, HEIGHT - 60], size=(count, 2))
    return np.concatenate([corners, corners + generator.integers(40, 60, size=(count, 2))], axis=1)


def _peak() -> int:
    """Bytes that this process had in memory at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        print(json.dumps(measure(Path(sys.argv[1]) / "cache", int(sys.argv[2]))))
