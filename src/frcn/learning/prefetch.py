"""Mini-batches, assembled ahead of the step that takes them where a GPU would wait for them."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import torch
from torch import Tensor

from frcn.learning.checkpoint import Sampler

AHEAD = 2
"""Mini-batches that lie ready for a GPU."""
Batch = tuple[Tensor, ...]
Assemble = Callable[[Any], Batch]
"""Of what a sampler drew: its tensors on the CPU. It runs in a thread, beside the network."""


class _Drawn(NamedTuple):
    batch: Batch
    state_after: dict


class Prefetch:
    """What ``assemble`` makes of a sampler's draws, on ``device``; itself a sampler.

    One thread draws and assembles, up to ``ahead`` mini-batches early, so that the order of draws
    is that of the steps. Its state is that after the batch that was taken last, whatever was drawn
    since. With ``ahead`` 0 the caller's thread draws.
    """

    def __init__(
        self, sampler: Sampler, assemble: Assemble, device: torch.device, ahead: int | None = None
    ) -> None:
        self._sampler = sampler
        self._assemble = assemble
        self._device = device
        self._on_gpu = device.type == "cuda"
        self._ahead = AHEAD * self._on_gpu if ahead is None else ahead
        self._thread = ThreadPoolExecutor(1, "prefetch")
        self._drawn: deque[Future[_Drawn]] = deque()
        self._state: dict | None = None

    def __next__(self) -> Batch:
        if self._ahead:
            while len(self._drawn) <= self._ahead:
                self._drawn.append(self._thread.submit(self._draw))
            batch, self._state = self._drawn.popleft().result()
        else:
            batch = self._assemble(next(self._sampler))
        return tuple(part.to(self._device, non_blocking=True) for part in batch)

    def _draw(self) -> _Drawn:
        batch = self._assemble(next(self._sampler))
        if self._on_gpu:
            # Only page-locked memory is copied while the GPU computes.
            batch = tuple(part.pin_memory() for part in batch)
        return _Drawn(batch, self._sampler.state())

    def state(self) -> dict:
        """See ``checkpoint.Sampler``."""
        return self._sampler.state() if self._state is None else self._state

    def restore(self, state: dict) -> None:
        """See ``checkpoint.Sampler``; to be called before the first batch is taken."""
        self._sampler.restore(state)

    def close(self) -> None:
        """Forget what was drawn ahead, and end the thread."""
        self._thread.shutdown(cancel_futures=True)
