"""Stage ``score``: AP, mAP and their intervals, curves and errors of a cell's detections."""

from pathlib import Path

from frcn.config import Cell, load
from frcn.data.voc import open_split
from frcn.evaluation.score import score_run
from frcn.proposals.recall import coverage
from frcn.proposals.source import open_proposals
from pipelines.stage import proposals_file, run


def score(config: Path, detections: Path, out: Path) -> None:
    """Score a cell, beside what the proposals that it was tested with cover."""
    cell = load(Cell, config)
    dataset = open_split(cell.data, cell.test.split)
    proposals = open_proposals(cell, dataset, proposals_file(cell, cell.test.split))
    images = range(len(dataset))
    covered = coverage(
        [proposals.boxes(i, cell.test.proposals) for i in images],
        [dataset.annotation(i) for i in images],
    )
    score_run(detections / "detections.parquet", dataset, cell.score, out, covered)


if __name__ == "__main__":
    run(score, config=Path, detections=Path, out=Path)
