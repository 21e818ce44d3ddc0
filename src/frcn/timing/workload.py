"""The picture and the boxes that a network is timed on, with a fixed seed."""

from dataclasses import dataclass

import numpy as np

from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.weights import PREPROCESSING
from frcn.seeding import numpy_generator
from frcn.systems.fast_rcnn.detector import image_pyramid, project, unique_rois
from frcn.timing.setting import Setting
from frcn.timing.typical_boxes import typical_boxes


@dataclass(frozen=True)
class Workload:
    """A test image.

    Attributes:
        picture: (H, W, 3) uint8 noise: what a picture shows decides no time.
        boxes: (R, 4) proposals in its pixels.
    """

    picture: np.ndarray
    boxes: np.ndarray


def workload(setting: Setting) -> Workload:
    """The test image of a setting, the same in every call."""
    rng = numpy_generator(0, "timing")
    picture = rng.integers(0, 256, (*setting.picture, 3), dtype=np.uint8)
    return Workload(picture, typical_boxes(*setting.picture, setting.rois, rng))


def input_size(setting: Setting, work: Workload) -> tuple[int, int]:
    """Height and width of Fast R-CNN's input."""
    blob, _ = image_pyramid(work.picture, setting.scales, PREPROCESSING)
    return blob.shape[2], blob.shape[3]


def count_unique_rois(setting: Setting, work: Workload, network: FastRCNNNet) -> int:
    """How many RoIs Fast R-CNN runs for the boxes."""
    _, scales = image_pyramid(work.picture, setting.scales, PREPROCESSING)
    first, _ = unique_rois(project(work.boxes, scales, network.pretrained_size), network.stride)
    return len(first)
