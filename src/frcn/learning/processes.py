"""Training in several processes, a GPU each, that torchrun starts.

Each takes ``images_per_batch`` images of a mini-batch that is as many times larger: N of them
take the steps of one with N times the images and RoIs.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from frcn.config import Sampling
from frcn.errors import UserError

Item = TypeVar("Item")


@dataclass(frozen=True)
class Processes:
    """This process, and how many there are; by default it is alone."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that writes files and shows progress."""
        return self.rank == 0

    def widened(self, sampling: Sampling) -> Sampling:
        """The sampling of the mini-batches of all processes together."""
        counts = ("images_per_batch", "rois_per_batch")
        return sampling.model_copy(update={n: getattr(sampling, n) * self.count for n in counts})

    def share(self, sampled: list[Item]) -> list[Item]:
        """This process's part of the images of a mini-batch, which all of them drew alike.

        Raises:
            UserError: the images cannot be shared equally.
        """
        size, left = divmod(len(sampled), self.count)
        if left or not size:
            raise UserError(
                f"{len(sampled)} images for the mini-batch of {self.count} processes: too few"
                " training images. Start fewer processes."
            )
        return sampled[self.rank * size : (self.rank + 1) * size]

    def replicated(self, network: nn.Module) -> nn.Module:
        """The network, with gradients that are the mean of those of all processes."""
        return network if self.count == 1 else DistributedDataParallel(network)

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all processes of a tensor that each has one of."""
        if self.count > 1:
            distributed.all_reduce(values)
            values = values / self.count
        return values

    def gathered(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Everyone's small CPU tensors, under their ``own_name``."""
        everyones = [tensors]
        if self.count > 1:
            everyones = [{} for _ in range(self.count)]
            distributed.all_gather_object(everyones, tensors)
        return {
            Processes(rank, self.count).own_name(name): tensor
            for rank, of_one in enumerate(everyones)
            for name, tensor in of_one.items()
        }

    def own_name(self, name: str) -> str:
        """What this process calls a thing that each has one of."""
        return name if self.first else f"{name}/{self.rank}"


ALONE = Processes()


@contextmanager
def started() -> Iterator[Processes]:
    """The processes that torchrun started, connected to each other, or ``ALONE``.

    Raises:
        UserError: this machine has fewer GPUs than processes.
    """
    count = _count()
    if count == 1:
        yield ALONE
        return
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        here, gpus = int(os.environ["LOCAL_WORLD_SIZE"]), torch.cuda.device_count()
        if here > gpus:
            raise UserError(
                f"{here} processes on a machine with {gpus} GPUs: each needs its own."
                f" Start torchrun with --nproc-per-node {gpus}."
            )
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if on_gpu else "gloo")
    yield Processes(distributed.get_rank(), count)
    # Not after an error: the others may never come to this point, and torchrun ends them.
    distributed.destroy_process_group()


def refuse_several(what: str) -> None:
    """Let only one process go on.

    Raises:
        UserError: torchrun started several, which ``what`` cannot use.
    """
    if _count() > 1:
        raise UserError(
            f"{what} in {_count()} processes: only Fast R-CNN's SGD can share the work."
            " Start it without torchrun."
        )


def _count() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))
