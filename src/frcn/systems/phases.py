"""How long the phases of a detection take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Phases:
    """Seconds by phase, summed over pictures; the device is synchronised at each phase's end."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time a block."""
        start = time.perf_counter()
        yield
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
