"""Time RoI pooling on the CPU, torchvision's kernel and ours.

    python benchmarks/roi_pool.py

Both in one run, in turns, on the threads that torch has. Prints the table as Markdown and writes
``benchmarks/results/roi_pool.csv``. Takes about a minute.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torchvision.ops import roi_pool as torchvision_roi_pool

from frcn.machine import cpu_name
from frcn.models.roi_pool import roi_pool
from frcn.report.table import markdown_table, write_csv

REPEATS = 15
SMALLEST_SIDE = 24
"""Of a RoI, in pixels of the network's input."""
RESULTS = Path("benchmarks/results")


@dataclass(frozen=True)
class Case:
    """RoIs spread over the maps of N images: the letters of ``docs/conventions.md``."""

    images: int
    rois: int
    channels: int
    height: int
    width: int
    size: int
    stride: int


CASES = {
    "VGG16, test": Case(1, 2000, 512, 38, 50, 7, 16),
    "VGG16, training": Case(2, 128, 512, 38, 50, 7, 16),
    "XS, test": Case(1, 400, 96, 24, 32, 6, 8),
    "XS, training": Case(2, 128, 96, 24, 32, 6, 8),
}
OPS: dict[str, Callable[[Tensor, Tensor, int, int], Tensor]] = {
    "torchvision": lambda maps, rois, size, stride: torchvision_roi_pool(
        maps, rois, size, 1 / stride
    ),
    "ours": roi_pool,
}


def inputs(case: Case, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A map as after ReLU, channels-last as networks yield it, and RoIs of all sizes and shapes."""
    shape = (case.images, case.channels, case.height, case.width)
    maps = torch.from_numpy(generator.normal(size=shape).astype(np.float32)).relu()
    picture = np.array([case.width, case.height]) * case.stride
    sides = SMALLEST_SIDE * (picture / SMALLEST_SIDE) ** generator.random((case.rois, 2))
    corners = generator.random((case.rois, 2)) * (picture - sides)
    images = generator.integers(case.images, size=(case.rois, 1))
    rois = np.hstack([images, corners, corners + sides - 1]).astype(np.float32)
    return maps.to(memory_format=torch.channels_last), torch.from_numpy(rois)


def times(cases: dict[str, Case], repeats: int) -> pd.DataFrame:
    """A row for each case, op and pass: ``roi_pool.csv``."""
    origin = {"threads": torch.get_num_threads(), "machine": cpu_name(), "torch": torch.__version__}
    rows = []
    for name, case in cases.items():
        maps, rois = inputs(case, np.random.default_rng(0))
        gradient = torch.ones(case.rois, case.channels, case.size, case.size)
        for backward in (False, True):
            maps.requires_grad_(backward)
            spent: dict[str, list[float]] = {op: [] for op in OPS}
            # The first turn compiles, or loads what is compiled, and does not count.
            for _ in range(repeats + 1):
                for op, pool in OPS.items():
                    begin = time.perf_counter()
                    pooled = pool(maps, rois, case.size, case.stride)
                    if backward:
                        torch.autograd.grad(pooled, maps, gradient)
                    spent[op].append(time.perf_counter() - begin)
            for op, seconds in spent.items():
                low, middle, high = np.quantile(seconds[1:], [0.25, 0.5, 0.75])
                rows.append(
                    {
                        "case": name,
                        "op": op,
                        "pass": "forward and backward" if backward else "forward",
                        "seconds_median": round(middle, 6),
                        "seconds_iqr": round(high - low, 6),
                        **origin,
                    }
                )
    return pd.DataFrame(rows)


def main() -> None:
    table = times(CASES, REPEATS)
    write_csv(RESULTS / "roi_pool.csv", table)
    cells = table.iloc[:, :6].astype(str).to_numpy().tolist()
    print(markdown_table(list(table.columns[:6]), cells, ("case", "op", "pass")))


if __name__ == "__main__":
    main()
