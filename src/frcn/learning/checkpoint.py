"""The state of an unfinished training, in one file that is whole or absent."""

import json
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from frcn.artefacts import atomic_path, sha256_file, sha256_json
from frcn.config import Cell
from frcn.learning.caffe_sgd import CaffeSGD
from frcn.learning.processes import ALONE, Processes
from frcn.learning.roidb import RoiImage, contents
from frcn.models.weights import content_hash


class Sampler(Protocol):
    """Draws mini-batches without end; its state can be saved and restored."""

    def __next__(self) -> Any: ...

    def state(self) -> dict:
        """Everything that decides the batches to come, as JSON-able values."""
        ...

    def restore(self, state: dict) -> None:
        """Continue from ``state()`` of a sampler over the same roidb."""
        ...


class Checkpoint:
    """Saves and restores network, velocity, sampler and dropout's random state.

    A file with another ``fingerprint`` is of another training, with an older config for instance,
    and is not used. Of several processes the first writes the file; all of them save, and all
    restore, each its own random state.
    """

    def __init__(
        self,
        path: Path,
        fingerprint: str,
        network: nn.Module,
        optimiser: CaffeSGD,
        sampler: Sampler,
        processes: Processes = ALONE,
    ) -> None:
        self._path = Path(path)
        self._fingerprint = fingerprint
        self._network = network
        self.optimiser = optimiser
        self.sampler = sampler
        self.processes = processes

    def save(self, step: int, seconds: float, log: list[list[float]]) -> None:
        """Write the state after ``step`` updates that took ``seconds`` in all."""
        metadata = {
            "fingerprint": self._fingerprint,
            "step": str(step),
            "seconds": str(seconds),
            "log": json.dumps(log),
            "sampler": json.dumps(self.sampler.state()),
        }
        tensors = self._tensors() | self.processes.gathered(_random_states())
        # safetensors checks the form of a file, not what its numbers and words were.
        metadata["sha256"] = _hash(metadata, tensors)
        if self.processes.first:
            with atomic_path(self._path) as temporary:
                save_file(tensors, temporary, metadata)

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {f"network/{n}": t.cpu() for n, t in self._network.state_dict().items()}
        tensors |= {f"velocity/{n}": t.cpu() for n, t in self.optimiser.velocity.items()}
        return {name: tensor.contiguous() for name, tensor in tensors.items()}

    def restore(self) -> tuple[int, float, list[list[float]]]:
        """Steps done, seconds spent and the log so far; (0, 0, []) when there is nothing to resume.

        A damaged file counts as nothing: the training then starts over, and says so.
        """
        if not self._path.exists():
            return 0, 0.0, []
        try:
            with safe_open(self._path, framework="pt") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except SafetensorError:
            return self._from_the_start("is damaged")
        if metadata.get("fingerprint") != self._fingerprint:
            return self._from_the_start("is of another config, data, weights or seed")
        if metadata.pop("sha256", None) != _hash(metadata, tensors):
            return self._from_the_start("is damaged")
        self._network.load_state_dict(_under("network/", tensors))
        for name, velocity in _under("velocity/", tensors).items():
            self.optimiser.velocity[name].copy_(velocity)
        own_name = self.processes.own_name
        torch.set_rng_state(tensors[own_name("random/cpu")])
        if torch.cuda.is_available() and own_name("random/cuda") in tensors:
            torch.cuda.set_rng_state(tensors[own_name("random/cuda")])
        self.sampler.restore(json.loads(metadata["sampler"]))
        return int(metadata["step"]), float(metadata["seconds"]), json.loads(metadata["log"])

    def _from_the_start(self, reason: str) -> tuple[int, float, list[list[float]]]:
        if self.processes.first:
            print(f"{self._path}: {reason}; the training starts from its first step", flush=True)
        return 0, 0.0, []

    def remove(self) -> None:
        """Forget the state: the training is complete and its weights are safe."""
        self._path.unlink(missing_ok=True)


def _hash(metadata: dict[str, str], tensors: dict[str, Tensor]) -> str:
    return sha256_json([metadata, content_hash(tensors)])


def _random_states() -> dict[str, Tensor]:
    states = {"random/cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["random/cuda"] = torch.cuda.get_rng_state()
    return states


def fingerprint(
    cell: Cell, roidb: list[RoiImage], parent_weights: Path, seed: int, processes: int = 1
) -> str:
    """Identifies a training: all that decides it, but for the code.

    That is the config as far as it does, pictures and RoIs, the parent's weights, the seed and how
    many processes.
    """
    config = cell.model_dump(include={"data", "network", "system", "proposals", "dense", "train"})
    return sha256_json([config, contents(roidb), seed, sha256_file(parent_weights), processes])


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
