"""One SGD step of each system, timed: forward, backward and update (paper §2.3, §4.3).

Reading and preparing pictures is not timed, nor cutting SPP-net's windows out of cached maps: the
tensors of a batch lie on the device.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from frcn.config import Network, Solver
from frcn.learning.caffe_sgd import CaffeSGD
from frcn.learning.losses import bbox_loss, classification_loss
from frcn.models.rcnn_net import RCNNNet
from frcn.models.spatial_pyramid import spatial_pyramid
from frcn.models.spp_net import SPPNet
from frcn.models.weights import PREPROCESSING
from frcn.precision import float32_products
from frcn.seeding import numpy_generator, torch_generator
from frcn.systems.fast_rcnn.detector import image_pyramid, project
from frcn.systems.phases import Phases
from frcn.systems.spp_net.feature_maps import FeatureMaps, stacked
from frcn.timing.clock import REPEATS, repeat
from frcn.timing.measurements import Row
from frcn.timing.multiply_adds import conv_layers, head_layers, sgd_step
from frcn.timing.networks import CLASSES, fast_rcnn_network
from frcn.timing.setting import Setting
from frcn.timing.workload import Workload

ROIS = 128
"""RoIs of a mini-batch of Fast R-CNN and windows of one of SPP-net (FACTS §1.1, §3.4)."""
FOREGROUND = 0.25


def fast_rcnn_steps(
    network_config: Network,
    setting: Setting,
    work: Workload,
    images: int,
    device: torch.device,
    repeats: int = REPEATS,
) -> list[float]:
    """Seconds of steps with 128 RoIs from N images."""
    network = fast_rcnn_network(network_config.name).to(device).train()
    network.freeze_before(network_config.learn_from)
    optimiser = CaffeSGD(network, Solver())
    blob, scales = image_pyramid(work.picture, setting.scales, PREPROCESSING)
    blob = blob.to(device).repeat(images, 1, 1, 1)
    rois = _rois_of_images(project(work.boxes, scales, network.pretrained_size), images).to(device)
    labels, targets = (part.to(device) for part in _labels_and_targets(ROIS))
    foreground = labels.nonzero().squeeze(1)

    def loss() -> Tensor:
        scores, deltas = network(blob, rois)
        return classification_loss(scores, labels) + bbox_loss(deltas, labels, targets, foreground)

    return _seconds(loss, optimiser, device, repeats)


def rcnn_steps(network_config: Network, device: torch.device) -> Row:
    """A step on a batch of warped regions; all layers learn (FACTS §2.3)."""
    network = RCNNNet(network_config.name, CLASSES).to(device).train()
    network.freeze_before(network_config.first_layer)
    optimiser = CaffeSGD(network, Solver())
    size = (network_config.rcnn_batch, 3, network.crop_size, network.crop_size)
    crops = 50 * torch.randn(size, generator=torch_generator(0, "timing crops")).to(device)
    labels = _labels_and_targets(len(crops))[0].to(device)

    def loss() -> Tensor:
        return classification_loss(network(crops), labels)

    batch, _, *sides = size
    forward = conv_layers(network.name, batch, *sides) | head_layers(network, batch)
    seconds = _seconds(loss, optimiser, device)
    return _row("rcnn", seconds, sgd_step(forward, network_config.first_layer))


def spp_net_steps(setting: Setting, work: Workload, name: str, device: torch.device) -> Row:
    """A step on windows of cached maps, at a random scale each; fc layers learn (FACTS §3.4)."""
    network = SPPNet(name, CLASSES).to(device).train()
    network.freeze_before("fc6")
    optimiser = CaffeSGD(network, Solver())
    maps = FeatureMaps(network, PREPROCESSING, setting.pyramid, device)
    column, cells = (part.to(device) for part in stacked(_cached_windows(maps, setting, work)))
    labels = _labels_and_targets(ROIS)[0].to(device)

    def loss() -> Tensor:
        return classification_loss(network(spatial_pyramid(column, cells)), labels)

    forward = head_layers(network, ROIS)
    return _row("spp_net", _seconds(loss, optimiser, device), sgd_step(forward, "fc6"))


def _seconds(
    loss: Callable[[], Tensor],
    optimiser: CaffeSGD,
    device: torch.device,
    repeats: int = REPEATS,
) -> list[float]:
    """Seconds of every repeat of a step that descends ``loss``."""

    def step() -> dict[str, float]:
        phases = Phases(device)
        with float32_products("float32"), phases("step"):
            loss().backward()
            optimiser.step(0)
        return phases.seconds

    return repeat(step, repeats)["step"]


def _row(system: str, seconds: list[float], multiply_adds: int) -> Row:
    return Row(
        system=system,
        phase="step",
        seconds=seconds,
        extrapolated=False,
        multiply_adds=multiply_adds,
    )


def _rois_of_images(rois: np.ndarray, images: int) -> Tensor:
    """128 RoIs, equally many of each of N equal images."""
    chosen = numpy_generator(0, "timing RoIs").integers(len(rois), size=ROIS)
    batch = rois[chosen].astype(np.float32)
    batch[:, 0] = np.repeat(np.arange(images), ROIS // images)
    return torch.from_numpy(batch)


def _labels_and_targets(count: int) -> tuple[Tensor, Tensor]:
    generator = torch_generator(0, "timing labels")
    labels = torch.randint(1, CLASSES + 1, (count,), generator=generator)
    labels[round(FOREGROUND * count) :] = 0
    return labels, torch.randn((count, 4), generator=generator)


def _cached_windows(maps: FeatureMaps, setting: Setting, work: Workload) -> list[np.ndarray]:
    """128 (h, w, C) windows of maps that are cached in half precision."""
    rng = numpy_generator(0, "timing windows")
    scales = len(setting.pyramid.short_sides)
    cached = [maps.map(work.picture, scale).astype(np.float16) for scale in range(scales)]
    chosen = work.boxes[rng.integers(len(work.boxes), size=ROIS)]
    return [
        maps.cut(cached[scale], box, setting.picture, scale)
        for box, scale in zip(chosen, rng.integers(scales, size=ROIS).tolist(), strict=True)
    ]
