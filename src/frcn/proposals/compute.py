"""Computing the proposals of a split, and the table of how many objects they cover."""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from frcn import config
from frcn.artefacts import atomic_path
from frcn.data.voc import VOCDataset
from frcn.proposals.cache import cached_boxes, settings_of
from frcn.proposals.recall import best_overlaps, mean_recall, share_covered
from frcn.proposals.store import ProposalStore, write_store

COUNTS = (10, 25, 50, 100, 200, 400, 800, 1600, None)
COLUMNS = ("split", "count", "boxes_per_image", "recall_50", "recall_70", "average_recall")


def compute_proposals(
    dataset: VOCDataset,
    proposals: config.Proposals,
    out_npy: Path,
    cache_dir: Path,
    workers: int = 1,
) -> ProposalStore:
    """Compute, store at ``out_npy`` and open the ranked proposals of every image.

    What is in ``cache_dir`` for the same picture and settings is not computed again.
    """
    boxes = cached_boxes(dataset, proposals, cache_dir, workers)
    write_store(out_npy, dataset, boxes, settings_of(proposals))
    return ProposalStore.open(out_npy, dataset)


def recall_table(dataset: VOCDataset, store: ProposalStore) -> list[dict]:
    """Rows of ``COLUMNS``: what the first ``count`` proposals of an image cover, in percent."""
    annotations = [dataset.annotation(i) for i in range(len(dataset))]
    rows = []
    for count in COUNTS:
        boxes = [store.boxes(i, count) for i in range(len(dataset))]
        overlaps = best_overlaps(boxes, annotations)
        rows.append(
            {
                "split": dataset.split,
                "count": "all" if count is None else count,
                "boxes_per_image": round(float(np.mean([len(found) for found in boxes])), 2),
                "recall_50": round(100 * share_covered(overlaps, 0.5), 3),
                "recall_70": round(100 * share_covered(overlaps, 0.7), 3),
                "average_recall": round(100 * mean_recall(overlaps), 3),
            }
        )
    return rows


def write_recall(path_csv: Path, rows: Iterable[dict]) -> None:
    """Write ``recall.csv``: the rows of all splits' ``recall_table``."""
    with atomic_path(path_csv) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
