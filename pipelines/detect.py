"""Stage ``detect``: raw detections of a cell in every test image, and the time they took."""

from pathlib import Path

from frcn.config import Cell, load
from frcn.data.voc import open_split
from frcn.proposals.source import open_proposals
from frcn.systems import detecting
from pipelines.stage import proposals_file, resume_path, run


def detect(config: Path, weights: Path, out: Path) -> None:
    """Test a cell with weights of its own or of its parent."""
    cell = load(Cell, config)
    dataset = open_split(cell.data, cell.test.split)
    proposals = open_proposals(cell, dataset, proposals_file(cell, cell.test.split))
    resume = resume_path(cell.profile, f"detect-{out.name}")
    detecting.detect(cell, dataset, proposals, weights, out, resume)


if __name__ == "__main__":
    run(detect, config=Path, weights=Path, out=Path)
