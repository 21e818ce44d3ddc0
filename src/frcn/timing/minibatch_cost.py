"""What an SGD step costs for N images under the same 128 RoIs (paper §2.3).

Hierarchical sampling takes N = 2; N = 128 is R-CNN's and SPP-net's way, an image for each RoI.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from frcn.config import Network
from frcn.timing.clock import REPEATS
from frcn.timing.measurements import Step, median
from frcn.timing.multiply_adds import conv_layers, head_layers, sgd_step
from frcn.timing.networks import fast_rcnn_network
from frcn.timing.setting import Setting
from frcn.timing.sgd_steps import ROIS, fast_rcnn_steps
from frcn.timing.workload import Workload, input_size

OWN_IMAGES = 2
"""Fast R-CNN's images (FACTS §1.1)."""
OWN_REPEATS = 20
"""Of its step, on which trainings of hours are projected and planned."""
IMAGES = (1, 2, 4, 16, 64, 128)
LEAST_MEASURED = 3
"""A line through two points would show no bend."""
LONGEST_STEP = 8.0
"""Seconds: beyond ``LEAST_MEASURED``, what would take longer is extrapolated. The stage shall stay
within minutes, and on a CPU this bounds memory too."""


def minibatch_cost(
    network: Network, setting: Setting, work: Workload, device: torch.device
) -> list[Step]:
    """A step for each N: measured as far as time and memory allow, then extrapolated."""
    measured = _measured(network, setting, work, device)
    size = input_size(setting, work)
    return [
        Step(
            images=images,
            seconds=measured.get(images) or on_line(measured, images),
            extrapolated=images not in measured,
            multiply_adds=step_multiply_adds(network, size, images),
        )
        for images in IMAGES
    ]


def _measured(
    network: Network, setting: Setting, work: Workload, device: torch.device
) -> dict[int, list[float]]:
    measured: dict[int, list[float]] = {}
    for images in IMAGES:
        enough = len(measured) >= LEAST_MEASURED
        if enough and median(on_line(measured, images)) > LONGEST_STEP:
            break
        try:
            repeats = OWN_REPEATS if images == OWN_IMAGES else REPEATS
            measured[images] = fast_rcnn_steps(network, setting, work, images, device, repeats)
        except torch.OutOfMemoryError:
            if not enough:
                raise
            break
    return measured


def on_line(measured: Mapping[int, Sequence[float]], images: int) -> list[float]:
    """Seconds for N images of each repeat, on a least-squares line through those for others.

    Convolutions cost in proportion to N; RoIs and the update cost the same for all. There are as
    many lines as all N have repeats.
    """
    repeats = np.array(list(zip(*measured.values(), strict=False)))
    slopes, intercepts = np.polyfit(list(measured), repeats.T, 1)
    return (intercepts + slopes * images).tolist()


def step_multiply_adds(network: Network, size: tuple[int, int], images: int) -> int:
    """Multiply-adds of a step on N inputs of ``size``, height and width."""
    forward = conv_layers(network.name, images, *size)
    with torch.device("meta"):
        forward |= head_layers(fast_rcnn_network(network.name), ROIS)
    return sgd_step(forward, network.learn_from)
