"""RoI max pooling on the CPU, compiled, several times faster than torchvision's kernel.

It reads the map channels-last, so that the inner loops run over neighbouring channels and become
vector instructions, and shares the work among torch's number of threads.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numba
import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

COMPILED = (torch.float32, torch.float64)
BLOCK = 128
"""Channels pooled at a time: what is kept of an RoI fits a core's second-level cache."""
GRAIN = 1 << 19
"""Pooled values that occupy a thread for a millisecond or so; fewer are not worth starting one."""


class CompiledRoIPool(torch.autograd.Function):
    """(N, C, H, W) float32 or float64 map, (R, 5) RoIs of its type, P and stride → (R, C, P, P).

    Values, and gradients with respect to the map, are those of torchvision's kernel to the last
    bit, for any number of threads; RoIs get no gradient.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx, feature_map: Tensor, rois: Tensor, size: int, stride: int
    ) -> Tensor:
        count, channels, height, width = feature_map.shape
        images, *corners = rois.detach().numpy().T
        if not ((images >= 0) & (images < count)).all():
            found = f"{images.min():g} … {images.max():g}"
            raise ValueError(f"rois: image_index {found}, wanted 0 … {count - 1}")
        columns = bins(corners[0], corners[2], size, stride, width)
        rows = bins(corners[1], corners[3], size, stride, height)
        ctx.windows = (images.astype(np.int64), rows, columns)
        ctx.save_for_backward(feature_map)
        cells = _channels_last(feature_map)
        # NumPy asks the system for huge pages and torch does not: the first touch of 200 MB of
        # small ones takes half as long as the pooling.
        pooled = np.empty((len(rois), channels, size * size), cells.dtype)
        _share(_pool, len(rois), pooled, cells, *ctx.windows)
        return torch.from_numpy(pooled).view(len(rois), channels, size, size)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (feature_map,) = ctx.saved_tensors
        cells = _channels_last(feature_map)
        of_cells = np.zeros_like(cells)
        # By channels: RoIs that share a cell would write to it at the same time.
        pooled = gradient.flatten(2).contiguous().numpy()
        _share(_scatter, cells.shape[3], pooled, cells, of_cells, *ctx.windows)
        return torch.from_numpy(of_cells).permute(0, 3, 1, 2), None, None, None


def bins(first: np.ndarray, last: np.ndarray, size: int, stride: int, limit: int) -> np.ndarray:
    """Where the bins of a grid start and end along one axis of the map (FACTS §1.6).

    Args:
        first, last: (R,) float32 or float64, an RoI's inclusive ends in input pixels. Bins are
            computed in their precision.
        limit: cells of the map along this axis.

    Returns:
        (R, P, 2) int64, first cell and the one after the last, clipped to the map.
    """
    real = first.dtype.type
    first, last = (_round_half_away(end * real(1 / stride)) for end in (first, last))
    extent = np.maximum(last - first + 1, 1)
    edges = np.arange(size + 1, dtype=real) * (extent / real(size))[:, None]
    ends = np.stack([np.floor(edges[:, :-1]), np.ceil(edges[:, 1:])], axis=2)
    return (ends + first[:, None, None]).clip(0, limit).astype(np.int64)


def _round_half_away(x: np.ndarray) -> np.ndarray:
    """C's round, exact: adding a half and cutting off would lift 0.49999997 to 1."""
    whole = np.trunc(x)
    return whole + np.where(np.abs(x - whole) >= 0.5, np.copysign(1, x), 0).astype(x.dtype)


def _channels_last(feature_map: Tensor) -> np.ndarray:
    """(N, C, H, W) → (N, H, W, C), a view where the memory is in that order."""
    return feature_map.detach().permute(0, 2, 3, 1).contiguous().numpy()


def _share(
    kernel: Callable[..., None], count: int, pooled: np.ndarray, *arrays: np.ndarray
) -> None:
    """Run ``kernel(pooled, *arrays, start, stop)`` on shares of ``count``, each in a thread.

    Threads are started anew: a pool of them would not survive a fork.
    """
    shares = min(torch.get_num_threads(), 1 + pooled.size // GRAIN)
    cuts = [count * share // shares for share in range(shares + 1)]
    with ThreadPoolExecutor(shares) as threads:
        others = [threads.submit(kernel, pooled, *arrays, *share) for share in pairwise(cuts[1:])]
        kernel(pooled, *arrays, *cuts[:2])
        for other in others:
            other.result()


@numba.njit(cache=True, nogil=True)
def _pool(
    pooled: np.ndarray,
    feature_map: np.ndarray,
    images: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    start: int,
    stop: int,
) -> None:
    """Fill (R, C, P·P) ``pooled`` for the RoIs from ``start`` to ``stop``.

    First the maximum of each column bin in each row of the map, then of the rows of a bin: rows
    in which bins overlap are read once. Ties keep the first cell in row-major order.
    """
    _, height, width, channels = feature_map.shape
    cells = feature_map.reshape(-1, channels)
    size = rows.shape[1]
    of_rows = np.empty((height * size, BLOCK), cells.dtype)
    of_bins = np.empty((size * size, BLOCK), cells.dtype)
    for roi in range(start, stop):
        for channel in range(0, channels, BLOCK):
            block = min(BLOCK, channels - channel)
            for y in range(rows[roi, 0, 0], rows[roi, -1, 1]):
                row = (images[roi] * height + y) * width
                for j in range(size):
                    left, right = columns[roi, j]
                    _maximum(
                        cells, row + left, row + right, 1, channel, block, of_rows, y * size + j
                    )
            for i in range(size):
                top, bottom = rows[roi, i]
                for j in range(size):
                    _maximum(
                        of_rows,
                        top * size + j,
                        bottom * size + j,
                        size,
                        0,
                        block,
                        of_bins,
                        i * size + j,
                    )
            for c in range(block):
                for k in range(size * size):
                    pooled[roi, channel + c, k] = of_bins[k, c]


@numba.njit(cache=True, inline="always")
def _maximum(
    source: np.ndarray,
    first: int,
    end: int,
    step: int,
    channel: int,
    block: int,
    into: np.ndarray,
    row: int,
) -> None:
    """Each channel's maximum over rows of ``source``, or 0 over none, into a row of ``into``."""
    if first >= end:
        into[row] = 0
        return
    for c in range(block):
        into[row, c] = source[first, channel + c]
    for k in range(first + step, end, step):
        for c in range(block):
            value, best = source[k, channel + c], into[row, c]
            into[row, c] = value if value > best else best


@numba.njit(cache=True, nogil=True)
def _scatter(
    gradient: np.ndarray,
    feature_map: np.ndarray,
    of_cells: np.ndarray,
    images: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    start: int,
    stop: int,
) -> None:
    """Add each bin's gradient to that of its maximum's cell, for channels ``start`` to ``stop``.

    The maxima are sought again, so that pooling has no arg-max to write and to keep.
    """
    _, height, width, channels = feature_map.shape
    cells = feature_map.reshape(-1, channels)
    gradients = of_cells.reshape(-1, channels)
    size = rows.shape[1]
    best = np.empty(stop - start, cells.dtype)
    where = np.empty(stop - start, np.int32)
    for roi in range(len(images)):
        for i in range(size):
            top, bottom = rows[roi, i]
            for j in range(size):
                left, right = columns[roi, j]
                if top >= bottom or left >= right:
                    continue
                corner = (images[roi] * height + top) * width + left
                best[:] = cells[corner, start:stop]
                where[:] = corner
                for y in range(top, bottom):
                    row = (images[roi] * height + y) * width
                    for cell in range(row + left, row + right):
                        for c in range(stop - start):
                            value = cells[cell, start + c]
                            where[c] = cell if value > best[c] else where[c]
                            best[c] = value if value > best[c] else best[c]
                for c in range(stop - start):
                    gradients[where[c], start + c] += gradient[roi, start + c, i * size + j]
