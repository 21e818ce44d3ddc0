"""Time selective search and EdgeBoxes, ours and OpenCV's, with recall beside time.

    python benchmarks/proposals.py PICTURES --profile bccd

All in one run, on one thread. Times a profile's test pictures at several widths, prints the
tables as Markdown and writes ``benchmarks/results/proposals-<profile>.csv``, which the profile's
report shows. Needs ``configs/<profile>/profile.yaml`` and ``data/<profile>``, which ``dvc repro``
makes.

PICTURES, where given, is a folder of .jpg files that are timed more closely; where
``<name>_boxes.mat`` stands beside ``<name>.jpg``, as in Fast R-CNN's demo, its boxes are compared
with ours.

With ``--recall`` the recall of the whole test split too, at two widths. Takes about ten minutes
for BCCD, and half an hour with ``--recall``; OpenCV's selective search has most of it.

Source: Fast R-CNN's talk, "selective search: 2 s/im; EdgeBoxes: 0.2 s/im" (FACTS §6.1).
"""

import argparse
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    # Before NumPy and Numba start their threads.
    os.environ |= dict.fromkeys(["OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS"], "1")

import cv2
import numpy as np
import pandas as pd
from scipy.io import loadmat

from frcn.boxes import iou
from frcn.config import Profile, load
from frcn.data.voc import Annotation, VOCDataset, open_split
from frcn.machine import cpu_name
from frcn.proposals.edge_boxes import edge_boxes
from frcn.proposals.opencv_selective_search import opencv_selective_search
from frcn.proposals.recall import average_recall, best_overlaps, mean_recall, recall, share_covered
from frcn.report.paper import load_paper
from frcn.report.proposal_tables import proposal_time_table
from frcn.report.table import markdown_table, write_csv
from frcn.selective_search import PRESETS, selective_search

Method = Callable[[np.ndarray], np.ndarray]
"""(H, W, 3) uint8 BGR to (R, 4) ``x1 y1 x2 y2``, best first."""

OPENCV_K = 150
"""OpenCV's own default."""
SMALLEST_K = 50
"""The smallest k of selective search's fast and quality modes, ours too."""
EDGE_BOXES_COUNT = 2000
"""As many as the profiles keep, and about as many as selective search's fast mode finds."""
REPEATS = 3
ENOUGH_SECONDS = 3.0
"""Spent on one picture; a method that took so long is not repeated."""
TIMED_PICTURES = {500: 8, None: 8, 1000: 2, 1500: 1}
"""Pictures of the test split by their width in pixels, None for the native one. OpenCV's quality
mode takes minutes for a large one."""
RESULTS = Path("benchmarks/results")

OURS = {
    f"selective search, {preset}": partial(selective_search, preset=preset) for preset in PRESETS
}
OPENCV, OPENCV_SMALLEST_K = (
    {
        f"OpenCV's selective search, {mode}{suffix}": partial(
            opencv_selective_search, mode=mode, base_k=base_k, sigma=0.8, seed=0
        )
        for mode in ("single", "fast", "quality")
    }
    for base_k, suffix in ((OPENCV_K, ""), (SMALLEST_K, f", k = {SMALLEST_K}"))
)
EDGE_BOXES = {
    f"EdgeBoxes, {edges}": partial(
        edge_boxes, edges=edges, model=None, max_boxes=EDGE_BOXES_COUNT, min_area=1000
    )
    for edges in ("gradient", "boundaries")
}
ALL: dict[str, Method] = OURS | OPENCV | OPENCV_SMALLEST_K | EDGE_BOXES


def only(methods: Mapping[str, Method], *modes: str) -> dict[str, Method]:
    """Selective search in the named modes."""
    return {
        name: method
        for name, method in methods.items()
        if any(f", {mode}" in name for mode in modes)
    }


COMPARED = only(OURS, "single", "fast", "quality") | OPENCV | EDGE_BOXES


@dataclass
class Runs:
    """What a method did on some pictures.

    Attributes:
        seconds: of each picture, the median over repeats.
        boxes: (R, 4) of each, in the pixels of the original picture.
    """

    seconds: list[float] = field(default_factory=list)
    boxes: list[np.ndarray] = field(default_factory=list)

    @property
    def mean_seconds(self) -> float:
        return float(np.mean(self.seconds))

    @property
    def mean_boxes(self) -> float:
        """Mean number of boxes of a picture."""
        return float(np.mean([len(boxes) for boxes in self.boxes]))


def run_all(
    methods: Mapping[str, Method],
    images: Iterable[np.ndarray],
    width: int | None,
    repeats: int = REPEATS,
) -> dict[str, Runs]:
    """Every method on every picture at a width in pixels, or at its native size (None).

    The methods take turns at each picture, so that other work on the machine hits all alike.
    """
    runs = {name: Runs() for name in methods}
    for image in images:
        searched = image if width is None else at_width(image, width)
        for name, method in methods.items():
            seconds, boxes = timed(method, searched, repeats)
            runs[name].seconds.append(seconds)
            runs[name].boxes.append(scaled_back(boxes, searched, image))
    return runs


def timed(method: Method, image: np.ndarray, repeats: int) -> tuple[float, np.ndarray]:
    """Median seconds of a call, and the boxes; slow calls are repeated less often."""
    spans: list[float] = []
    while len(spans) < repeats and sum(spans) < ENOUGH_SECONDS:
        begin = time.perf_counter()
        boxes = method(image)
        spans.append(time.perf_counter() - begin)
    return median(spans), boxes


def at_width(image: np.ndarray, width: int) -> np.ndarray:
    """The picture at another width, its aspect ratio kept."""
    height = round(image.shape[0] * width / image.shape[1])
    way = cv2.INTER_AREA if width < image.shape[1] else cv2.INTER_CUBIC
    return cv2.resize(image, (width, height), interpolation=way)


def scaled_back(boxes: np.ndarray, searched: np.ndarray, image: np.ndarray) -> np.ndarray:
    """(R, 4) boxes found in a resized picture, in whole pixels of the original."""
    # Inclusive corners become edges and back: a box of all pixels stays one.
    far = np.array([0, 0, 1, 1])
    factors = np.divide(image.shape[1::-1], searched.shape[1::-1])
    return np.round((boxes + far) * np.tile(factors, 2)) - far


def proposal_times(dataset: VOCDataset, profile: str) -> pd.DataFrame:
    """A row for each width and compared method: ``proposals-<profile>.csv``.

    ``seconds`` and ``boxes`` are means over ``pictures`` pictures, evenly spread through the
    split, ``seconds_of_pictures`` are those of each; recalls are of these pictures' objects by
    all boxes, in percent.
    """
    origin = {
        "machine": cpu_name(),
        "opencv": cv2.__version__,
        "date": datetime.now(UTC).date().isoformat(),
    }
    rows = []
    for width, count in TIMED_PICTURES.items():
        chosen = np.unique(np.linspace(0, len(dataset) - 1, count).astype(int))
        annotations = [dataset.annotation(i) for i in chosen]
        found = run_all(COMPARED, (dataset.image(i) for i in chosen), width)
        for name, runs in found.items():
            overlaps = best_overlaps(runs.boxes, annotations)
            rows.append(
                {
                    "profile": profile,
                    "pictures": len(chosen),
                    "width": str(width or "native"),
                    "method": name,
                    "seconds": round(runs.mean_seconds, 4),
                    "seconds_of_pictures": " ".join(f"{s:.4f}" for s in runs.seconds),
                    "boxes": round(runs.mean_boxes, 1),
                    "recall_50": round(100 * share_covered(overlaps, 0.5), 2),
                    "recall_70": round(100 * share_covered(overlaps, 0.7), 2),
                    "average_recall": round(100 * mean_recall(overlaps), 2),
                    **origin,
                }
            )
    return pd.DataFrame(rows)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print one Markdown table."""
    words = ("method", "picture")
    print(f"\n### {title}\n\n{markdown_table(columns, rows, words)}", flush=True)


def time_table(title: str, images: Sequence[np.ndarray], width: int | None) -> None:
    """Seconds a picture of every method, and how many times ours OpenCV's time is."""
    found = run_all(ALL, images, width)
    rows = []
    for name, runs in found.items():
        partners = [f"OpenCV's {name}{suffix}" for suffix in ("", f", k = {SMALLEST_K}")]
        ratios = [
            f"{found[partner].mean_seconds / runs.mean_seconds:.1f}×" if partner in found else ""
            for partner in partners
        ]
        rows.append([name, f"{runs.mean_seconds:.3f}", f"{runs.mean_boxes:.0f}", *ratios])
    columns = ["method", "s/picture", "boxes", "OpenCV's time", f"with k = {SMALLEST_K}"]
    print_table(title, columns, rows)


def growth_table(image: np.ndarray) -> None:
    """Times of one picture from 500 px to 1500 px wide."""
    widths = (500, 1000, 1500)
    methods = OURS | only(OPENCV, "single", "fast") | EDGE_BOXES
    found = [run_all(methods, [image], width) for width in widths]
    rows = []
    for name in methods:
        spent = [runs[name].mean_seconds for runs in found]
        rows.append([name, *(f"{s:.3f}" for s in spent), f"{spent[-1] / spent[0]:.1f}×"])
    columns = ["method", *(f"{width} px" for width in widths), "500 to 1500 px"]
    print_table("One picture, in seconds, by its width", columns, rows)


def process_table(images: Sequence[np.ndarray]) -> None:
    """How much faster two processes get through the same pictures than one."""
    work = list(images) * 2 * REPEATS
    spent = []
    for processes in (1, 2):
        context = get_context("spawn")
        with ProcessPoolExecutor(processes, context, cv2.setNumThreads, (1,)) as pool:
            # Compiled code is loaded first, in every process.
            list(pool.map(selective_search, [images[0]] * 4 * processes))
            begin = time.perf_counter()
            list(pool.map(selective_search, work))
            spent.append(time.perf_counter() - begin)
    rows = [[f"{spent[0]:.2f}", f"{spent[1]:.2f}", f"{spent[0] / spent[1]:.2f}×"]]
    print_table(f"`fast` on {len(work)} pictures", ["1 process, s", "2 processes, s", "gain"], rows)


def recall_table(dataset: VOCDataset, width: int | None) -> None:
    """Recall of a VOC split's objects, in the first 100, 300 and 1000 boxes and in all."""
    annotations = [dataset.annotation(i) for i in range(len(dataset))]
    counts = (100, 300, 1000, None)
    methods = OURS | only(OPENCV | OPENCV_SMALLEST_K, "fast") | EDGE_BOXES
    # Time is beside the point here, so once is enough.
    found = run_all(methods, map(dataset.image, range(len(dataset))), width, repeats=1)
    rows = [
        [
            name,
            f"{runs.mean_boxes:.0f}",
            f"{runs.mean_seconds:.3f}",
            *(recall_cell(runs.boxes, annotations, count) for count in counts),
        ]
        for name, runs in found.items()
    ]
    size = "native size" if width is None else f"{width} px"
    print_table(
        f"R@.5 / R@.7 / AR, {dataset.root.name} {dataset.split}, {len(dataset)} pictures, {size}",
        ["method", "boxes", "s/picture", *(f"first {c}" if c else "all" for c in counts)],
        rows,
    )


def recall_cell(
    boxes: Sequence[np.ndarray], annotations: Sequence[Annotation], count: int | None
) -> str:
    """Recall at IoU 0.5 and 0.7 and average recall."""
    values = (recall(boxes, annotations, threshold, count) for threshold in (0.5, 0.7))
    return " / ".join(
        f"{value:.3f}" for value in (*values, average_recall(boxes, annotations, count))
    )


def published_table(folder: Path) -> None:
    """How well each method finds the original boxes again."""
    methods = OURS | only(OPENCV, "fast")
    rows = []
    for path in sorted(folder.glob("*_boxes.mat")):
        picture = path.name.removesuffix("_boxes.mat")
        image = cv2.imread(str(folder / f"{picture}.jpg"))
        original = loadmat(path)["boxes"].astype(np.float64)
        for name, method in methods.items():
            boxes = method(image)
            best = iou(original, boxes).max(axis=1)
            shares = (f"{np.mean(best >= least):.3f}" for least in (0.5, 0.7, 0.9, 1))
            counts = f"{len(boxes)} for {len(original)}"
            rows.append([picture, name, counts, f"{best.mean():.3f}", *shares])
    if rows:
        columns = ["picture", "method", "boxes", "mean best IoU", "≥ .5", "≥ .7", "≥ .9", "exact"]
        print_table("The original boxes, each against its best of ours", columns, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path, nargs="?", help="a folder of .jpg files")
    parser.add_argument("--profile", required=True, help="whose test split is timed")
    parser.add_argument("--recall", action="store_true", help="also of the whole split")
    asked = parser.parse_args()

    cv2.setNumThreads(1)
    data = load(Profile, Path("configs") / asked.profile / "profile.yaml").data
    dataset = open_split(data, "test")
    # Every first call compiles, or loads what is compiled.
    run_all(ALL, [dataset.image(0)], width=100, repeats=1)
    print(f"{cpu_name()}, one thread; OpenCV {cv2.__version__}")

    times = proposal_times(dataset, asked.profile)
    write_csv(RESULTS / f"proposals-{asked.profile}.csv", times)
    published = load_paper(Path("conf/paper")).proposals
    print("\n" + proposal_time_table(times, published, []).markdown(), flush=True)
    if asked.pictures:
        images = [cv2.imread(str(path)) for path in sorted(asked.pictures.glob("*.jpg"))]
        time_table(f"{len(images)} pictures, 500 px wide", images, 500)
        if any(image.shape[1] != 500 for image in images):
            time_table(f"{len(images)} pictures, native size", images, None)
        growth_table(images[0])
        process_table([at_width(image, 500) for image in images])
        published_table(asked.pictures)
    if asked.recall:
        recall_table(dataset, None)
        recall_table(dataset, 500)


if __name__ == "__main__":
    main()
