"""Time selective search beside OpenCV's, in one run on one thread, with recall beside time.

    python benchmarks/selective_search.py PICTURES --voc data/bccd --set test

PICTURES is a folder of .jpg files; where ``<name>_boxes.mat`` stands beside ``<name>.jpg``, as in
Fast R-CNN's demo, its boxes are compared with ours. Prints Markdown; takes about ten minutes.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median

# Before NumPy and Numba start their threads.
os.environ |= dict.fromkeys(["OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS"], "1")

import cv2
import numpy as np
from scipy.io import loadmat

from frcn.boxes import iou
from frcn.data.voc import Annotation, VOCDataset
from frcn.machine import cpu_name
from frcn.proposals.recall import average_recall, recall
from frcn.selective_search import PRESETS, selective_search

Method = Callable[[np.ndarray], np.ndarray]

OURS = list(PRESETS)
# OpenCV's k and its step to the next k: its own defaults, and the paper's smallest k.
OPENCV = {
    f"OpenCV {mode}{suffix}": (mode, arguments)
    for suffix, arguments in (("", ()), (", k = 50", (50, 50)))
    for mode in ("SingleStrategy", "SelectiveSearchFast", "SelectiveSearchQuality")
}
PARTNERS = {
    "single": "SingleStrategy",
    "fast": "SelectiveSearchFast",
    "quality": "SelectiveSearchQuality",
}
LARGE_WIDTHS = (1000, 1500)


def opencv(image: np.ndarray, mode: str, arguments: tuple[int, ...]) -> np.ndarray:
    """(R, 4) ``x1 y1 x2 y2`` of OpenCV's search, in the better of its order's two directions."""
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(image)
    used = arguments[:1] if mode == "SingleStrategy" else arguments  # it has no step
    getattr(search, f"switchTo{mode}")(*used)
    boxes = search.process()[::-1]
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:] - 1], axis=1)


def methods() -> dict[str, Method]:
    """Every search by the name that the tables give it."""
    ours = {name: (lambda image, name=name: selective_search(image, name)) for name in OURS}
    theirs = {
        name: (lambda image, mode=mode, arguments=arguments: opencv(image, mode, arguments))
        for name, (mode, arguments) in OPENCV.items()
    }
    return ours | theirs


def at_width(image: np.ndarray, width: int) -> np.ndarray:
    """The picture at another width, its aspect ratio kept."""
    height = round(image.shape[0] * width / image.shape[1])
    way = cv2.INTER_AREA if width < image.shape[1] else cv2.INTER_CUBIC
    return cv2.resize(image, (width, height), interpolation=way)


def seconds(method: Method, images: Sequence[np.ndarray], repeats: int) -> tuple[float, float]:
    """Mean over pictures of the median time of one call, and of the number of boxes."""
    times, counts = [], []
    for image in images:
        spans = []
        for _ in range(repeats):
            begin = time.perf_counter()
            boxes = method(image)
            spans.append(time.perf_counter() - begin)
        times.append(median(spans))
        counts.append(len(boxes))
    return float(np.mean(times)), float(np.mean(counts))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print one Markdown table."""
    print(f"\n### {title}\n")
    for row in (columns, ["---"] * len(columns), *rows):
        print("| " + " | ".join(row) + " |", flush=True)


def time_table(title: str, images: Sequence[np.ndarray], repeats: int) -> None:
    """Seconds a picture of every method, and how many times OpenCV's time that is."""
    found = {
        # OpenCV's takes so long that a second look at it changes nothing.
        name: seconds(method, images, 1 if "Quality" in name else repeats)
        for name, method in methods().items()
    }
    rows = []
    for name, (spent, boxes) in found.items():
        ratios = ["", ""]
        if name in PARTNERS:
            partner = f"OpenCV {PARTNERS[name]}"
            ratios = [f"{found[partner + s][0] / spent:.1f}×" for s in ("", ", k = 50")]
        rows.append([name, f"{spent:.3f}", f"{boxes:.0f}", *ratios])
    columns = ["method", "s/picture", "boxes", "OpenCV's time", "with k = 50"]
    table(title, columns, rows)


def growth_table(image: np.ndarray, repeats: int) -> None:
    """Times of one picture from 500 px to 1500 px wide; OpenCV's large ones are timed once."""
    widths = (500, *LARGE_WIDTHS)
    rows = []
    for name, method in methods().items():
        if name == "OpenCV SelectiveSearchQuality" or name.endswith("k = 50"):
            continue  # minutes
        spent = [
            seconds(method, [at_width(image, width)], 1 if name in OPENCV else repeats)[0]
            for width in widths
        ]
        rows.append([name, *(f"{s:.3f}" for s in spent), f"{spent[-1] / spent[0]:.1f}×"])
    columns = ["method", *(f"{width} px" for width in widths), "500 to 1500 px"]
    table("One picture, in seconds, by its width", columns, rows)


def process_table(images: Sequence[np.ndarray], repeats: int) -> None:
    """How much faster two processes get through the same pictures than one."""
    work = list(images) * 2 * repeats
    spent = []
    for processes in (1, 2):
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            # Compiled code is loaded first, in every process.
            list(pool.map(selective_search, [images[0]] * 4 * processes))
            begin = time.perf_counter()
            list(pool.map(selective_search, work))
            spent.append(time.perf_counter() - begin)
    rows = [[f"{spent[0]:.2f}", f"{spent[1]:.2f}", f"{spent[0] / spent[1]:.2f}×"]]
    table(f"`fast` on {len(work)} pictures", ["1 process, s", "2 processes, s", "gain"], rows)


def scaled_back(boxes: np.ndarray, small: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Boxes found in a resized picture, in the pixels of the original."""
    factor = image.shape[1] / small.shape[1]
    far = np.array([0, 0, 1, 1])
    return np.round((boxes + far) * factor) - far


def recall_table(dataset: VOCDataset, width: int | None) -> None:
    """Recall of a VOC split's objects, in the first 100, 300 and 1000 boxes and in all."""
    annotations = [dataset.annotation(i) for i in range(len(dataset))]
    counts = (100, 300, 1000, None)
    rows = []
    for name, method in methods().items():
        if "Quality" in name or "Single" in name:
            continue  # the one takes minutes, the other finds little
        found, spent = [], 0.0
        for i in range(len(dataset)):
            image = dataset.image(i)
            small = image if width is None else at_width(image, width)
            begin = time.perf_counter()
            boxes = method(small)
            spent += time.perf_counter() - begin
            found.append(scaled_back(boxes, small, image))
        cells = [recall_cell(found, annotations, count) for count in counts]
        mean_boxes = np.mean([len(boxes) for boxes in found])
        rows.append([name, f"{mean_boxes:.0f}", f"{spent / len(dataset):.3f}", *cells])
    size = "native size" if width is None else f"{width} px"
    table(
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
    rows = []
    for path in sorted(folder.glob("*_boxes.mat")):
        name = path.name.removesuffix("_boxes.mat")
        image = cv2.imread(str(folder / f"{name}.jpg"))
        original = loadmat(path)["boxes"].astype(np.float64)
        for method in (*OURS, "OpenCV SelectiveSearchFast"):
            boxes = methods()[method](image)
            best = iou(original, boxes).max(axis=1)
            shares = (f"{np.mean(best >= least):.3f}" for least in (0.5, 0.7, 0.9, 1))
            counts = f"{len(boxes)} for {len(original)}"
            rows.append([name, method, counts, f"{best.mean():.3f}", *shares])
    if rows:
        columns = ["picture", "method", "boxes", "mean best IoU", "≥ .5", "≥ .7", "≥ .9", "exact"]
        table("The original boxes, each against its best of ours", columns, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--voc", type=Path, help="root of a VOC tree, for recall")
    parser.add_argument("--set", default="test", help="its image set")
    parser.add_argument("--classes", nargs="*", default=["RBC", "WBC", "Platelets"])
    asked = parser.parse_args()

    cv2.setNumThreads(1)
    images = [cv2.imread(str(path)) for path in sorted(asked.pictures.glob("*.jpg"))]
    for preset in PRESETS:
        selective_search(images[0][:64, :64], preset)  # compiles
    print(f"{cpu_name()}, one thread; OpenCV {cv2.__version__}; {len(images)} pictures")
    time_table("500 px wide", [at_width(image, 500) for image in images], asked.repeats)
    if any(image.shape[1] != 500 for image in images):
        time_table("Native size", images, asked.repeats)
    growth_table(images[0], asked.repeats)
    process_table(images, asked.repeats)
    published_table(asked.pictures)
    if asked.voc:
        dataset = VOCDataset(asked.voc, asked.set, asked.classes)
        recall_table(dataset, None)
        recall_table(dataset, 500)


if __name__ == "__main__":
    main()
