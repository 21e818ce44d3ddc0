"""Stage ``backbone``: pre-trained weights of a network."""

from pathlib import Path

from frcn.config import Network, load
from frcn.learning.pretraining import pretrain
from frcn.pretrained.importing import import_backbone
from frcn.workers import available_cpus
from pipelines.stage import run


def backbone(config: Path, pooling: str, out: Path) -> None:
    """Pre-train a network for one of the two kinds of pooling, or import its ImageNet weights."""
    network = load(Network, config)
    if network.weights.kind == "pretraining":
        pretrain(network, pooling, out, workers=available_cpus())
    else:
        import_backbone(network, pooling, out)


if __name__ == "__main__":
    run(backbone, config=Path, pooling=str, out=Path)
