"""Computing the proposals of a split, and the table of how many objects they cover."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from frcn import config
from frcn.artefacts import atomic_path
from frcn.boxes import areas
from frcn.data.voc import Annotation, VOCDataset
from frcn.errors import UserError
from frcn.proposals.cache import cached_boxes
from frcn.proposals.imported import imported_boxes
from frcn.proposals.recall import best_overlaps, mean_recall, share_covered
from frcn.proposals.store import ProposalStore, write_store

COUNTS = (100, 200, 300, 500, 1000, 2000, 5000, None)
SIZES = {"small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, np.inf)}
"""Bounds of an object's area in pixels, the lower one included, as COCO divides them."""
COLUMNS = (
    "split",
    "group",
    "objects",
    "count",
    "boxes_per_image",
    "recall_50",
    "recall_70",
    "average_recall",
)


def compute_proposals(
    dataset: VOCDataset,
    proposals: config.Proposals,
    out_npy: Path,
    cache_dir: Path,
    workers: int = 1,
) -> ProposalStore:
    """Compute or import, store at ``out_npy`` and open the ranked proposals of every image.

    What is in ``cache_dir`` for the same picture and recipe is not computed again.

    Raises:
        UserError: pictures are unreadable, or the file of imported boxes does not fit.
    """
    if proposals.method == "imported":
        boxes = imported_boxes(_file_of(proposals, dataset), dataset, proposals.max_boxes)
    else:
        boxes = cached_boxes(dataset, proposals, cache_dir, workers)
    write_store(out_npy, dataset, boxes, proposals)
    return ProposalStore.open(out_npy, dataset, proposals)


def _file_of(proposals: config.ImportedBoxes, dataset: VOCDataset) -> Path:
    if dataset.split not in proposals.files:
        raise UserError(
            f"proposals {proposals.name}: no file for split {dataset.split!r}; `files` has"
            f" {', '.join(proposals.files)}. Name one for every split of data.splits."
        )
    return Path(proposals.files[dataset.split])


def recall_table(dataset: VOCDataset, store: ProposalStore) -> list[dict]:
    """Rows of ``COLUMNS``: what the first ``count`` proposals of an image cover, in percent.

    For all objects, those of each class, and those of each size; groups without an object have
    no rows. An object keeps the box that it was matched to among all objects of its image.
    """
    annotations = [dataset.annotation(i) for i in range(len(dataset))]
    groups = list(_groups(annotations, dataset.classes))
    rows = []
    for count in COUNTS:
        boxes = [store.boxes(i, count) for i in range(len(dataset))]
        overlaps = best_overlaps(boxes, annotations)
        per_image = float(np.mean([len(found) for found in boxes]))
        for group, members in groups:
            rows.append(
                {
                    "split": dataset.split,
                    "group": group,
                    "objects": int(members.sum()),
                    "count": "all" if count is None else count,
                    "boxes_per_image": round(per_image, 2),
                    "recall_50": round(100 * share_covered(overlaps[members], 0.5), 3),
                    "recall_70": round(100 * share_covered(overlaps[members], 0.7), 3),
                    "average_recall": round(100 * mean_recall(overlaps[members]), 3),
                }
            )
    return rows


def _groups(
    annotations: Sequence[Annotation], classes: Sequence[str]
) -> Iterator[tuple[str, np.ndarray]]:
    """Names of groups and masks over the objects that count, in the order of the images."""
    counted = [(a.labels[~a.difficult], areas(a.boxes[~a.difficult])) for a in annotations]
    labels = np.concatenate([np.zeros(0, dtype=int), *(labels for labels, _ in counted)])
    sizes = np.concatenate([np.zeros(0), *(sizes for _, sizes in counted)])
    groups = {"all": np.ones(len(labels), dtype=bool)}
    groups |= {name: labels == label for label, name in enumerate(classes, start=1)}
    groups |= {name: (sizes >= low) & (sizes < high) for name, (low, high) in SIZES.items()}
    yield from ((name, members) for name, members in groups.items() if members.any())


def write_recall(path_csv: Path, rows: Iterable[dict]) -> None:
    """Write the rows of all splits' ``recall_table``."""
    with atomic_path(path_csv) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
