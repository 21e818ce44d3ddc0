"""Stage ``score``: AP, mAP and their intervals, curves and errors of a cell's detections."""

from pathlib import Path

from frcn.config import Cell, load
from frcn.data.voc import open_split
from frcn.evaluation.score import score_run
from frcn.proposals.recall import recall
from frcn.proposals.store import ProposalStore
from pipelines.stage import proposals_file, run


def score(config: Path, detections: Path, out: Path) -> None:
    """Score a cell, beside the recall at IoU 0.5 of the proposals that it was tested with."""
    cell = load(Cell, config)
    dataset = open_split(cell.data, cell.test.split)
    store = ProposalStore.open(proposals_file(cell.profile, cell.test.split), dataset)
    images = range(len(dataset))
    boxes = [store.boxes(i, cell.test.proposals) for i in images]
    recall_50 = 100 * recall(boxes, [dataset.annotation(i) for i in images], 0.5)
    score_run(detections / "detections.parquet", dataset, cell.score, out, recall_50)


if __name__ == "__main__":
    run(score, config=Path, detections=Path, out=Path)
