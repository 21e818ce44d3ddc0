"""R-CNN: fine-tune on warped regions, then SVMs and box regressors on their features (FACTS §2)."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from frcn.config import Cell
from frcn.learning.prefetch import Batch
from frcn.learning.region_sampling import RegionSampler, SampledRegions
from frcn.learning.region_training import RegionTraining
from frcn.learning.roidb import Pictures, Sources, build_roidb
from frcn.learning.starting_network import start_from
from frcn.machine import default_device, within_memory
from frcn.models import weights
from frcn.models.rcnn_net import RCNNNet
from frcn.seeding import numpy_generator
from frcn.systems.rcnn.detector import Detector, pooled_features, warped


@within_memory("rcnn_batch in conf/network, which is train.sampling.rois_per_batch")
def fit(
    cell: Cell, sources: Sources, parent_weights: Path, seed: int, out: Path, resume: Path
) -> None:
    """Train a cell and write ``weights.safetensors``, ``loss.csv`` and ``train.json``.

    See ``frcn.systems.fast_rcnn.fit`` for the arguments. Pool5 features of all training RoIs are
    kept on disk until the end, beside the resumable state.
    """
    train = cell.train
    # Targets of the box regressors' examples too.
    overlap = min(train.sampling.fg_threshold, train.regressor.min_overlap)
    roidb = build_roidb(sources, train.proposals, overlap)
    network, preprocessing = start_from(
        RCNNNet(cell.network.name, len(cell.data.classes)), parent_weights, seed
    )

    pictures = Pictures(roidb)

    def crops(sampled: SampledRegions) -> Batch:
        regions = []
        for b, (i, row) in enumerate(zip(sampled.entries, sampled.rois, strict=True)):
            region = warped(network, preprocessing, pictures[i], roidb[i].rois[[row]])
            regions.append(region.flip(3) if sampled.flipped[b] else region)
        return (torch.cat(regions),)

    training = RegionTraining(cell, roidb, parent_weights, seed, resume)
    shapes = [(len(entry.rois), network.fc6.in_features) for entry in roidb]
    training.assert_room(shapes)
    sampler = RegionSampler(roidb, train.sampling, train.flip, numpy_generator(seed, "sampling"))
    training.fine_tune(network, sampler, crops, network)
    device = default_device()

    def pool5(i: int) -> np.ndarray:
        pooled = pooled_features(
            network, preprocessing, pictures[i], roidb[i].rois, device, train.precision
        )
        return torch.cat(list(pooled)).cpu().numpy()

    settings = {"precision": train.precision, "preprocessing": asdict(preprocessing)}
    cache = training.cache(network, roidb, settings, shapes, pool5)

    def features(i: int, rows: np.ndarray) -> Tensor:
        return torch.from_numpy(cache[i][rows].astype(np.float32))

    training.fit_posthoc(network, roidb, features)
    training.write(network, preprocessing, out)


def load_detector(cell: Cell, weights_file: Path) -> Detector:
    """A detector with trained weights.

    Raises:
        UserError: the file is missing, damaged, or of another network or set of classes.
    """
    network = RCNNNet(cell.network.name, len(cell.data.classes))
    preprocessing = weights.restore(network, weights_file)
    return Detector(network, preprocessing, default_device(), cell.test.precision)
