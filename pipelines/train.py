"""Stage ``train``: the weights of a cell."""

from pathlib import Path

from frcn.config import Cell, load
from frcn.data.voc import open_split
from frcn.proposals.source import open_proposals
from frcn.systems import system
from pipelines.stage import proposals_file, resume_path, run


def train(config: Path, seed: int, parent: Path, out: Path) -> None:
    """Train a cell as its system does, from its parent's weights."""
    cell = load(Cell, config)
    sources = []
    for split in cell.train.splits:
        dataset = open_split(cell.data, split)
        sources.append((dataset, open_proposals(cell, dataset, proposals_file(cell, split))))
    resume = resume_path(cell.profile, f"{out.name}.safetensors")
    system(cell.system).fit(cell, sources, parent, seed, out, resume)


if __name__ == "__main__":
    run(train, config=Path, seed=int, parent=Path, out=Path)
