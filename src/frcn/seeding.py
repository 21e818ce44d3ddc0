"""The one place that turns a seed into generators."""

import numpy as np
import torch

from frcn.artefacts import sha256


def numpy_generator(seed: int, *names: str) -> np.random.Generator:
    """A NumPy generator for one purpose: streams of different ``names`` are independent."""
    return np.random.default_rng(_stream(seed, names))


def torch_generator(seed: int, *names: str) -> torch.Generator:
    """A CPU torch generator for one purpose: streams of different ``names`` are independent."""
    generator = torch.Generator()
    generator.manual_seed(_stream(seed, names))
    return generator


def _stream(seed: int, names: tuple[str, ...]) -> int:
    # 63 bits: torch takes a signed 64-bit seed.
    return int(sha256("/".join([str(seed), *names]).encode())[:16], 16) >> 1
