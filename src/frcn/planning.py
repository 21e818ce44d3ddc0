"""What a cell will cost: seconds, bytes and counts, from what was measured and its own numbers.

Seconds of networks come from the stage ``timing``: steps in proportion to multiply-adds,
convolutions at test time to pixels, all that is done for each RoI to the number of proposals.
Pictures are taken to have the size of those that were timed. Fits of SVMs and box regressors are
not in it, nor reading pictures.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from frcn.config import Cell, Network, Scales
from frcn.data.image_transform import scale_factor
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.networks import build
from frcn.models.rcnn_net import RCNNNet
from frcn.models.region_net import RegionNet
from frcn.models.spp_net import SPPNet
from frcn.timing.measurements import Step, Timing, median
from frcn.timing.minibatch_cost import OWN_IMAGES, step_multiply_adds
from frcn.timing.multiply_adds import conv_layers, head_layers, sgd_step
from frcn.timing.setting import Setting

NETWORKS = {"fast_rcnn": FastRCNNNet, "rcnn": RCNNNet, "spp_net": SPPNet}
FLOAT32, FLOAT16 = 4, 2
BOX = 8
"""Bytes of a stored proposal: four int16."""
DETECTION = 24
"""Bytes of a stored detection, found on `mini`: 5.3 MB for 700 images × 40 × 8 classes."""


@dataclass(frozen=True)
class Measured:
    """Seconds of a network with the sizes at which they were measured.

    ``rcnn_batch`` is the number of regions in the step of R-CNN.
    """

    timing: Timing
    setting: Setting
    rcnn_batch: int

    def seconds(self, system: str, *phases: str) -> float:
        """Median seconds of some phases together."""
        rows = self.timing.rows
        return sum(median(r.seconds) for r in rows if r.system == system and r.phase in phases)

    @property
    def basis(self) -> str:
        """What estimates of trainings rest on, for the notes of a plan."""
        timing = self.timing
        steps = len(_step_of(timing, OWN_IMAGES).seconds)
        height, width = timing.image
        return (
            f"median of {steps} SGD steps on {OWN_IMAGES} images of {height} × {width} pixels,"
            f" {timing.device}, {timing.threads} threads"
        )


def train_seconds(cell: Cell, measured: Measured, images: int) -> float:
    """Seconds of a cell's training on so many images, flipped ones not counted."""
    train = cell.train
    if train.kind == "none":
        return 0.0
    if train.kind == "svm":
        return images * image_seconds(cell, measured)
    if cell.system == "fast_rcnn":
        return train.solver.iterations * _fast_rcnn_step(cell, measured)
    step = measured.seconds(cell.system, "step")
    share = train.proposals / measured.timing.rois
    if cell.system == "rcnn":
        step *= train.sampling.rois_per_batch / measured.rcnn_batch
        features = share * measured.seconds("rcnn", "conv", "pool", "fc6", "fc7")
    else:
        maps = _pixel_ratio(train.scales, measured.setting.pyramid, measured.setting)
        features = (1 + train.flip) * maps * measured.seconds("spp_net", "conv")
        features += share * measured.seconds("spp_net", "pool", "fc6", "fc7")
    return train.solver.iterations * step + images * features


def image_seconds(cell: Cell, measured: Measured) -> float:
    """Seconds of a test image, proposals and NMS left out."""
    share = proposals_per_image(cell) / measured.timing.rois
    if cell.system == "rcnn":
        return share * measured.seconds("rcnn", "total")
    system = "fast_rcnn_svd" if cell.test.svd else cell.system
    setting = measured.setting
    timed = setting.pyramid if system == "spp_net" else setting.scales
    of_pixels = measured.seconds(system, "conv", "other")
    of_rois = measured.seconds(system, "pool", "fc6", "fc7")
    return _pixel_ratio(cell.test.scales, timed, setting) * of_pixels + share * of_rois


def proposals_per_image(cell: Cell) -> int:
    """Most boxes of a test image, sliding windows included."""
    dense = cell.dense
    if dense is None or dense.use == "nearest":
        return cell.test.proposals
    return dense.count + (cell.test.proposals if dense.use == "add" else 0)


def pretraining_seconds(network: Network, measured: Measured) -> float:
    """Seconds of a pre-training, at the multiply-adds per second of Fast R-CNN's step."""
    settings = network.weights
    size = settings.image_size
    forward = conv_layers(network.name, settings.batch_size, size, size)
    with torch.device("meta"):
        forward |= head_layers(RCNNNet(network.name, 1), settings.batch_size, ("fc6", "fc7"))
    step = _step_of(measured.timing, OWN_IMAGES)
    speed = step.multiply_adds / median(step.seconds)
    return settings.steps * sgd_step(forward, network.first_layer) / speed


def weights_bytes(cell: Cell) -> int:
    """Size of a cell's weights, float32; none where it takes its parent's."""
    if cell.train.kind == "none":
        return 0
    return FLOAT32 * sum(weight.numel() for weight in _shapes(cell).parameters())


def cache_bytes(cell: Cell, setting: Setting, images: int) -> int:
    """What R-CNN or SPP-net keep on disk while they train on so many images (float16).

    R-CNN keeps pool5 of each proposal, SPP-net the maps of all scales, mirrored ones too.
    """
    if cell.system == "fast_rcnn":
        return 0
    if cell.system == "rcnn":
        return FLOAT16 * images * cell.train.proposals * _shapes(cell).fc6.in_features
    with torch.device("meta"):
        network = build(cell.network.name)
    cells = _pixels(_input_sizes(cell.train.scales, setting)) // network.stride**2
    return FLOAT16 * images * (1 + cell.train.flip) * cells * network.channels


def detections_bytes(cell: Cell, images: int) -> int:
    """Size of the detections of so many images, at the average that ``test`` keeps."""
    return DETECTION * images * cell.test.average_per_image * len(cell.data.classes)


def proposals_bytes(images: int, boxes: int) -> int:
    """Size of the proposals of so many images."""
    return BOX * images * boxes


def _fast_rcnn_step(cell: Cell, measured: Measured) -> float:
    """Seconds of a step, from that of the nearest number of images by multiply-adds."""
    train = cell.train
    images = train.sampling.images_per_batch
    nearest = _step_of(measured.timing, images)
    network = cell.network.model_copy(update={"learn_from": train.learn_from})
    sizes = _input_sizes(train.scales, measured.setting)
    own = sum(step_multiply_adds(network, size, images) for size in sizes) / len(sizes)
    return median(nearest.seconds) * own / nearest.multiply_adds


def _step_of(timing: Timing, images: int) -> Step:
    return min(timing.steps, key=lambda step: abs(step.images - images))


def _pixel_ratio(scales: Scales, timed: Scales, setting: Setting) -> float:
    return _pixels(_input_sizes(scales, setting)) / _pixels(_input_sizes(timed, setting))


def _pixels(sizes: Iterable[tuple[int, int]]) -> int:
    return sum(height * width for height, width in sizes)


def _input_sizes(scales: Scales, setting: Setting) -> list[tuple[int, int]]:
    """Height and width of the timed picture at each scale (FACTS §1.7)."""
    height, width = setting.picture
    factors = [scale_factor(height, width, s, scales.max_size) for s in scales.short_sides]
    return [(round(f * height), round(f * width)) for f in factors]


def _shapes(cell: Cell) -> RegionNet:
    with torch.device("meta"):
        return NETWORKS[cell.system](cell.network.name, len(cell.data.classes))
