"""Stage ``published``: the original's own detector of a network."""

from pathlib import Path

from frcn.config import Network, load
from frcn.pretrained.importing import import_detector
from pipelines.stage import run


def published(config: Path, out: Path) -> None:
    """Convert the detector that the original's author trained and published."""
    import_detector(load(Network, config), out)


if __name__ == "__main__":
    run(published, config=Path, out=Path)
