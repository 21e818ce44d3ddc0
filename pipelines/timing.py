"""Stage ``timing``: seconds of the three systems with one network, random weights."""

from pathlib import Path

from frcn.config import Network, load
from frcn.timing.measure import measure
from frcn.timing.setting import SETTINGS
from pipelines.stage import run


def timing(config: Path, out: Path) -> None:
    """Time Fast R-CNN, R-CNN and SPP-net with a network."""
    network = load(Network, config)
    measure(network, SETTINGS[network.name], out)


if __name__ == "__main__":
    run(timing, config=Path, out=Path)
