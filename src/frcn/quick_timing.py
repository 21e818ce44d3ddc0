"""What a plan measures itself: a network that nobody timed here, GPU memory, and proposals.

Results of the stage ``timing`` are better; these take a minute or two a network on a CPU.
"""

from dataclasses import replace
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
import torch
from torch import nn

from frcn.config import Cell, Network, Proposals
from frcn.errors import UserError
from frcn.machine import default_device, describe
from frcn.planning import Measured
from frcn.proposals.method import make_method
from frcn.timing.measure import measure
from frcn.timing.measurements import Timing, load
from frcn.timing.setting import SETTINGS, Setting
from frcn.timing.sgd_steps import fast_rcnn_steps, rcnn_steps, spp_net_steps
from frcn.timing.workload import workload

QUARTER = 4
"""On a CPU pictures are half as high and wide, and boxes and regions a quarter as many."""


def device_name() -> str:
    """The device, as the stages' files name it."""
    return describe(nn.Identity())["device"]


def timed_here(network: Network, file: Path) -> Measured | None:
    """What the stage ``timing`` measured on this device; None where it has to run first."""
    timing = _usable(file)
    return Measured(timing, SETTINGS[network.name], network.rcnn_batch) if timing else None


def quickly_timed(network: Network, kept: Path) -> Measured:
    """Measure a network as the stage ``timing`` does, on a CPU at half the size.

    The result is kept at ``kept`` and taken from there by the next plan on this device.
    """
    setting = quick_setting(SETTINGS[network.name])
    if default_device().type == "cpu":
        network = network.model_copy(update={"rcnn_batch": network.rcnn_batch // QUARTER})
    if _usable(kept) is None:
        measure(network, setting, kept)
    return Measured(load(kept), setting, network.rcnn_batch)


def _usable(file: Path) -> Timing | None:
    """Measurements of this device as today's code writes them; None without such a file."""
    try:
        timing = load(file)
    except UserError:
        return None
    return timing if timing.device == device_name() else None


def quick_setting(setting: Setting) -> Setting:
    """A setting for a CPU with half the sides and a quarter of the boxes; a GPU keeps its own."""
    if default_device().type == "cuda":
        return setting
    halves = {
        name: scales.model_copy(update={"short_sides": [side // 2 for side in scales.short_sides]})
        for name, scales in (("scales", setting.scales), ("pyramid", setting.pyramid))
    }
    counts = {"rois": setting.rois // QUARTER, "cpu_regions": setting.cpu_regions // QUARTER}
    return replace(setting, **halves, **counts)


def step_memory(cell: Cell) -> int | None:
    """Most bytes of GPU memory that the cell's SGD step takes; None without a GPU or steps."""
    device = default_device()
    if device.type != "cuda" or cell.train.kind != "sgd":
        return None
    setting = SETTINGS[cell.network.name]
    scales = "pyramid" if cell.system == "spp_net" else "scales"
    setting = replace(setting, **{scales: cell.train.scales})
    work = workload(setting)
    torch.cuda.reset_peak_memory_stats()
    if cell.system == "fast_rcnn":
        network = cell.network.model_copy(update={"learn_from": cell.train.learn_from})
        fast_rcnn_steps(network, setting, work, cell.train.sampling.images_per_batch, device)
    elif cell.system == "rcnn":
        rcnn_steps(cell.network, device)
    else:
        spp_net_steps(setting, work, cell.network.name, device)
    return torch.cuda.max_memory_allocated()


def timed_proposals(settings: Proposals, picture: np.ndarray) -> tuple[float, int]:
    """Seconds and number of one (H, W, 3) uint8 picture's proposals, compiled code being ready."""
    method = make_method(settings)
    method(picture)
    start = perf_counter()
    boxes = method(picture)
    return perf_counter() - start, len(boxes)


def typical_picture(size: tuple[int, int]) -> np.ndarray:
    """A generated picture, enlarged to (height, width): a real one may not be here yet."""
    from frcn.data.shapes.scene import render  # noqa: PLC0415 -- slow, only plans need it

    return cv2.resize(render(0, "plan", 0).image, size[::-1])
