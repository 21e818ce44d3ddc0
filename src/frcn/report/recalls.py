"""Recall of the first n proposals of the test split, for the counts of the sweep."""

from collections.abc import Collection
from pathlib import Path

from frcn.data.voc import VOCDataset
from frcn.proposals.recall import best_overlaps, mean_recall, share_covered
from frcn.proposals.store import ProposalStore


def recall_by_count(
    store: Path, dataset: VOCDataset, counts: Collection[int]
) -> dict[int, tuple[float, float]]:
    """Average recall and recall at IoU 0.5, in percent, by number of proposals.

    Empty when the proposals have not been computed.
    """
    if not store.exists():
        return {}
    proposals = ProposalStore.open(store, dataset)
    boxes = [proposals.boxes(i, max(counts)) for i in range(len(dataset))]
    annotations = [dataset.annotation(i) for i in range(len(dataset))]
    recalls = {}
    for count in sorted(counts):
        overlaps = best_overlaps(boxes, annotations, count)
        recalls[count] = (100 * mean_recall(overlaps), 100 * share_covered(overlaps, 0.5))
    return recalls
