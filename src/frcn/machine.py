"""Where a computation runs: every published time names it, and its memory has an end."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from frcn.errors import UserError


def default_device() -> torch.device:
    """The first GPU, or the CPU where there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def within_memory(*settings: str) -> Iterator[None]:
    """Work whose need of GPU memory follows from ``settings``: config keys, the strongest first.

    Raises:
        UserError: the memory of the GPU is not enough.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        reason = str(error).split(". ")[0]
        raise UserError(
            f"the GPU has too little memory ({reason}). Lower {' or '.join(settings)},"
            " or free what other programs hold of it."
        ) from error


def describe(network: nn.Module) -> dict:
    """Device name, CPU threads, and the network's number of parameters."""
    on_gpu = default_device().type == "cuda"
    return {
        "device": torch.cuda.get_device_name() if on_gpu else cpu_name(),
        "threads": torch.get_num_threads(),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
    }


def cpu_name() -> str:
    """The processor's model name, as precise as the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
