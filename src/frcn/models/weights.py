"""Weights in safetensors, bound to the pre-processing that they were trained with."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from frcn.artefacts import atomic_path, sha256, sha256_json
from frcn.errors import UserError
from frcn.models.region_net import RegionNet


@dataclass(frozen=True)
class Preprocessing:
    """How pixels become the network's input: (BGR, 0–255 value − mean) / std per channel.

    The original subtracts a mean and divides by nothing: std 1 (FACTS §1.1).
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


PREPROCESSING = Preprocessing(mean=(102.9801, 115.9465, 122.7717), std=(1.0, 1.0, 1.0))
"""The original's, for S, M and L, though none was pre-trained with exactly this mean: it is what
Fast R-CNN fine-tunes them with and tests them with (FACTS §1.1)."""


def save(
    path: Path, tensors: dict[str, Tensor], network: str, preprocessing: Preprocessing
) -> None:
    """Write weights of network ``network`` atomically, with their pre-processing."""
    # One key: safetensors writes several in random order, and equal weights shall be equal bytes.
    metadata = {"frcn": json.dumps({"network": network, "preprocessing": asdict(preprocessing)})}
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(contiguous, temporary, metadata)


def load(path: Path, network: str) -> tuple[dict[str, Tensor], Preprocessing]:
    """Read weights and their pre-processing.

    Raises:
        UserError: the file is missing, damaged, or holds another network's weights.
    """
    if not Path(path).exists():
        raise UserError(f"{path}: no such checkpoint. `dvc repro` trains it.")
    try:
        with safe_open(path, framework="pt") as file:
            described = json.loads((file.metadata() or {}).get("frcn", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise UserError(
            f"{path}: damaged weights ({error}). Delete the file and run `dvc repro` again."
        ) from None
    if described.get("network") != network:
        raise UserError(
            f"{path}: weights of network {described.get('network')!r}, wanted {network!r}."
            " Choose the checkpoint that belongs to the config."
        )
    values = described["preprocessing"]
    return tensors, Preprocessing(tuple(values["mean"]), tuple(values["std"]))


def content_hash(tensors: Mapping[str, Tensor]) -> str:
    """Hexadecimal SHA-256 of names and bytes of tensors of float32 or integers."""
    parts = [
        [name, sha256(tensor.detach().cpu().contiguous().numpy().tobytes())]
        for name, tensor in sorted(tensors.items())
    ]
    return sha256_json(parts)


def initialise(network: RegionNet, tensors: dict[str, Tensor], path: Path) -> list[str]:
    """Copy every tensor whose name the network knows; return the names that it had to do without.

    Copying by name is how the original starts from ImageNet weights: a new output layer is
    simply not in the file, and a layer that the network lacks is left over (FACTS §1.3).

    Raises:
        UserError: a tensor of the same name has another shape.
    """
    state = network.state_dict()
    for name in sorted(state.keys() & tensors.keys()):
        if state[name].shape != tensors[name].shape:
            raise UserError(
                f"{path}: {name} has shape {tuple(tensors[name].shape)},"
                f" the network wants {tuple(state[name].shape)}. It is of other classes or of"
                " another network: choose the checkpoint of this config, or train again."
            )
        state[name].copy_(tensors[name])
    return sorted(state.keys() - tensors.keys())


def restore(network: RegionNet, path: Path) -> Preprocessing:
    """Give a network all of its trained weights; returns the pre-processing that goes with them.

    Raises:
        UserError: the file is missing, damaged, of another network or of other classes, or lacks
            a layer.
    """
    tensors, preprocessing = load(path, network.name)
    missing = initialise(network, tensors, path)
    if missing:
        raise UserError(f"{path}: lacks {', '.join(missing)}; train the cell again")
    return preprocessing
