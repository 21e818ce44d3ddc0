"""Trainings that give the same weights at every run on a GPU, where that is asked for.

On a CPU they do anyway.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.backends import cudnn


@contextmanager
def fixed_order_of_sums(wanted: bool) -> Iterator[None]:
    """Let GPU kernels add up in a fixed order if ``wanted``, RoI pooling's backward included.

    torch warns of kernels of which it cannot promise that. What held before comes back at the end,
    but for cuBLAS's workspace, which is fixed in size for the rest of the process.
    """
    if not wanted:
        yield
        return
    before = cudnn.deterministic, cudnn.benchmark
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    try:
        torch.use_deterministic_algorithms(True, warn_only=True)
        cudnn.deterministic, cudnn.benchmark = True, False
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
        cudnn.deterministic, cudnn.benchmark = before
