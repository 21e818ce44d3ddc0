"""Rows of the measurements for test time: seconds per image of each system by phase.

What is timed are the systems' own detectors, with random weights. ``other`` is the preparation of
the image and of the RoIs or regions, and class scores, box deltas and decoding at the end. As in
the paper NMS and the making of proposals are not timed.
"""

from collections.abc import Mapping

import torch

from frcn.config import Network, Test
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.rcnn_net import RCNNNet
from frcn.models.region_net import HEAD_LAYERS, RegionNet
from frcn.models.spp_net import SPPNet
from frcn.models.weights import PREPROCESSING
from frcn.systems import fast_rcnn, rcnn, spp_net
from frcn.systems.detector import Detector
from frcn.systems.spp_net.feature_maps import FeatureMaps
from frcn.timing.clock import repeat
from frcn.timing.measurements import Row
from frcn.timing.multiply_adds import conv_layers, head_layers
from frcn.timing.networks import CLASSES, compressed_network, fast_rcnn_network
from frcn.timing.setting import Setting
from frcn.timing.workload import Workload, count_unique_rois, input_size

PHASES = ("conv", "pool", "fc6", "fc7", "other")


def time_fast_rcnn(setting: Setting, work: Workload, name: str, device: torch.device) -> list[Row]:
    """Rows of system ``fast_rcnn``."""
    return _fast_rcnn("fast_rcnn", fast_rcnn_network(name), setting, work, device)


def time_fast_rcnn_svd(
    setting: Setting, work: Workload, network: Network, device: torch.device
) -> list[Row]:
    """Rows of system ``fast_rcnn_svd``."""
    compressed = compressed_network(network.name, network.svd_ranks)
    return _fast_rcnn("fast_rcnn_svd", compressed, setting, work, device)


def _fast_rcnn(
    system: str, network: FastRCNNNet, setting: Setting, work: Workload, device: torch.device
) -> list[Row]:
    convolutions = conv_layers(network.name, 1, *input_size(setting, work))
    rois = count_unique_rois(setting, work, network)
    test = Test(split="test", proposals=setting.rois, scales=setting.scales)
    detector = fast_rcnn.Detector(network, PREPROCESSING, test, device)
    counts = _counts(convolutions, network, rois)
    return detection_rows(system, detection_seconds(detector, work), counts)


def time_rcnn(setting: Setting, work: Workload, name: str, device: torch.device) -> list[Row]:
    """Rows of system ``rcnn``; a CPU sees some of the regions, and its seconds are multiplied."""
    network = RCNNNet(name, CLASSES)
    detector = rcnn.Detector(network, PREPROCESSING, device)
    all_boxes = len(work.boxes)
    regions = all_boxes if device.type == "cuda" else min(setting.cpu_regions, all_boxes)
    sample = Workload(work.picture, work.boxes[:regions])
    convolutions = conv_layers(name, all_boxes, network.crop_size, network.crop_size)
    measured = detection_seconds(detector, sample)
    factor = all_boxes / regions
    seconds = {phase: [factor * value for value in values] for phase, values in measured.items()}
    note = f"measured on {regions} regions, times {all_boxes}/{regions}"
    counts = _counts(convolutions, network, all_boxes)
    return detection_rows("rcnn", seconds, counts, note if regions < all_boxes else "")


def time_spp_net(setting: Setting, work: Workload, name: str, device: torch.device) -> list[Row]:
    """Rows of system ``spp_net``."""
    network = SPPNet(name, CLASSES)
    detector = spp_net.Detector(network, PREPROCESSING, setting.pyramid, device)
    maps = FeatureMaps(network, PREPROCESSING, setting.pyramid, device)
    convolutions = {
        (layer, level): count
        for level in range(len(setting.pyramid.short_sides))
        for layer, count in conv_layers(name, 1, *maps.blob(work.picture, level).shape[2:]).items()
    }
    counts = _counts(convolutions, network, len(work.boxes))
    return detection_rows("spp_net", detection_seconds(detector, work), counts)


def detection_seconds(detector: Detector, work: Workload) -> dict[str, list[float]]:
    """Seconds of every repeat of a detection, by ``PHASES``."""

    def detect() -> dict[str, float]:
        detector.seconds.clear()
        detector.detect(work.picture, work.boxes)
        seconds = dict.fromkeys(PHASES, 0.0)
        for name, value in detector.seconds.items():
            phase = "pool" if name == "roi_pool" else name
            seconds[phase if phase in PHASES else "other"] += value
        return seconds

    return repeat(detect)


def _counts(convolutions: Mapping[object, int], network: RegionNet, rois: int) -> dict[str, int]:
    regressor = () if isinstance(network, FastRCNNNet) else ("bbox_regressor",)
    head = head_layers(network, rois, (*HEAD_LAYERS, *regressor))
    outputs = sum(count for layer, count in head.items() if layer not in ("fc6", "fc7"))
    conv = sum(convolutions.values())
    return {"conv": conv, "fc6": head["fc6"], "fc7": head["fc7"], "other": outputs}


def detection_rows(
    system: str, seconds: Mapping[str, list[float]], counts: Mapping[str, int], note: str = ""
) -> list[Row]:
    """A row for each phase, and their sum in each repeat; a ``note`` says what was extrapolated."""
    total = [sum(parts) for parts in zip(*(seconds[phase] for phase in PHASES), strict=True)]
    every = {phase: (seconds[phase], counts.get(phase)) for phase in PHASES}
    every["total"] = (total, sum(counts.values()))
    return [
        Row(
            system=system,
            phase=phase,
            seconds=values,
            extrapolated=bool(note),
            multiply_adds=count,
            note=note,
        )
        for phase, (values, count) in every.items()
    ]
