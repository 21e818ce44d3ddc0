"""A network as a training finds it: the parent's weights, new outputs."""

from pathlib import Path
from typing import TypeVar

from frcn.errors import UserError
from frcn.models import weights
from frcn.models.region_net import RegionNet
from frcn.seeding import torch_generator

Net = TypeVar("Net", bound=RegionNet)
OUTPUTS = ("cls_score", "bbox_pred", "bbox_regressor")


def start_from(network: Net, parent_weights: Path, seed: int) -> tuple[Net, weights.Preprocessing]:
    """Give a new network the weights of its parent; layers that the file lacks must be outputs.

    Raises:
        UserError: the file is missing, damaged, of another network, or lacks a layer.
    """
    tensors, preprocessing = weights.load(parent_weights, network.name)
    network.initialise_outputs(torch_generator(seed, "outputs"))
    missing = weights.initialise(network, tensors, parent_weights)
    not_outputs = [name for name in missing if not name.startswith(OUTPUTS)]
    if not_outputs:
        raise UserError(f"{parent_weights}: lacks {', '.join(not_outputs)}; train it again")
    return network, preprocessing
