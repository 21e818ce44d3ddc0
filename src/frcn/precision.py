"""In which precision networks compute: training and detection of all systems ask here.

float32 is that of the papers' systems. cuDNN rounds the inputs of float32 convolutions to TF32, ten
bits of mantissa, unless it is told not to; so ``float32`` says no to that.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from frcn.config import Precision


@contextmanager
def float32_products(precision: Precision) -> Iterator[None]:
    """Let a GPU round the inputs of float32 products to TF32 with ``tf32``, and only then.

    It holds for convolutions and matrix products, forward and backward, in the whole process;
    what held before comes back at the end.
    """
    backends = (torch.backends.cudnn.conv, torch.backends.cuda.matmul)
    before = [backend.fp32_precision for backend in backends]
    try:
        for backend in backends:
            backend.fp32_precision = "tf32" if precision == "tf32" else "ieee"
        yield
    finally:
        for backend, value in zip(backends, before, strict=True):
            backend.fp32_precision = value


@contextmanager
def computing_in(precision: Precision, device: torch.device) -> Iterator[None]:
    """A forward pass in ``precision``.

    With ``bfloat16`` convolutions and fully connected layers compute in it, and activations
    come out in it; weights stay float32. Losses and softmax are for the caller to take of
    ``.float()``.
    """
    mixed = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
    with float32_products(precision), mixed:
        yield
