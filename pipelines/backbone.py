"""Stage ``backbone``: pre-trained weights of a network."""

import os
from pathlib import Path

from frcn.config import Network, load
from frcn.errors import UserError
from frcn.learning.pretraining import pretrain
from pipelines.stage import run


def backbone(config: Path, pooling: str, out: Path) -> None:
    """Pre-train a network on generated pictures, with one of the two kinds of pooling."""
    network = load(Network, config)
    if network.pretraining is None:
        raise UserError(
            f"{config}: network {network.name} has no `pretraining`, and converting ImageNet"
            " weights is not built yet; use a profile with network XS"
        )
    pretrain(network, pooling, out, workers=os.cpu_count() or 1)


if __name__ == "__main__":
    run(backbone, config=Path, pooling=str, out=Path)
