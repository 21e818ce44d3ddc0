"""The one place that turns a run's seed into generators; pictures have seeds of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from frcn.artefacts import sha256

if TYPE_CHECKING:
    import torch


def numpy_generator(seed: int, *names: str) -> np.random.Generator:
    """A NumPy generator for one purpose: streams of different ``names`` are independent."""
    return np.random.default_rng(_stream(seed, names))


def torch_generator(seed: int, *names: str) -> torch.Generator:
    """A CPU torch generator for one purpose: streams of different ``names`` are independent."""
    # Here, for stages that need no torch start two seconds sooner without it.
    import torch  # noqa: PLC0415

    generator = torch.Generator()
    generator.manual_seed(_stream(seed, names))
    return generator


def _stream(seed: int, names: tuple[str, ...]) -> int:
    # 63 bits: torch takes a signed 64-bit seed.
    return int(sha256("/".join([str(seed), *names]).encode())[:16], 16) >> 1
