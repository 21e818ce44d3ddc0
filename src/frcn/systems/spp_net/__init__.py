"""SPP-net: fine-tune the fc layers on cached maps, then SVMs and box regressors (FACTS §3)."""

from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from frcn import boxes as box_ops
from frcn.config import Cell
from frcn.learning.prefetch import Batch
from frcn.learning.region_sampling import PooledRegionSampler, SampledRegions
from frcn.learning.region_training import RegionTraining
from frcn.learning.roidb import Sources, build_roidb
from frcn.learning.starting_network import start_from
from frcn.machine import default_device, within_memory
from frcn.models import weights
from frcn.models.spatial_pyramid import spatial_pyramid
from frcn.models.spp_net import SPPNet
from frcn.seeding import numpy_generator
from frcn.systems.spp_net.detector import Detector
from frcn.systems.spp_net.feature_maps import FeatureMaps, stacked


@within_memory("train.sampling.rois_per_batch", "train.scales")
def fit(
    cell: Cell, sources: Sources, parent_weights: Path, seed: int, out: Path, resume: Path
) -> None:
    """Train a cell and write ``weights.safetensors``, ``loss.csv`` and ``train.json``.

    See ``frcn.systems.fast_rcnn.fit`` for the arguments. The maps of all training pictures, at
    every scale and mirrored, are kept on disk until the end, beside the resumable state.
    """
    train = cell.train
    # Targets of the box regressors' examples too.
    overlap = min(train.sampling.fg_threshold, train.regressor.min_overlap)
    roidb = build_roidb(sources, train.proposals, overlap)
    network, preprocessing = start_from(
        SPPNet(cell.network.name, len(cell.data.classes)), parent_weights, seed
    )
    device = default_device()
    # The convolutions never change: their maps hold for all that follows.
    maps = FeatureMaps(
        network.to(device).eval(), preprocessing, train.scales, device, train.precision
    )
    scales, mirrored = len(train.scales.short_sides), 1 + train.flip

    def place(entry: int, flipped: int, scale_index: int) -> int:
        return (entry * mirrored + flipped) * scales + scale_index

    def compute(i: int) -> np.ndarray:
        i, scale_index = divmod(i, scales)
        i, flipped = divmod(i, mirrored)
        picture = roidb[i].dataset.image(roidb[i].index)
        return maps.map(picture[:, ::-1] if flipped else picture, scale_index)

    sizes = [entry.dataset.image(entry.index).shape[:2] for entry in roidb]
    shapes = [
        maps.map_shape(size, scale_index)
        for size in sizes
        for _ in range(mirrored)
        for scale_index in range(scales)
    ]
    training = RegionTraining(cell, roidb, parent_weights, seed, resume)
    settings = {
        "scales": train.scales.model_dump(),
        "flip": train.flip,
        "precision": train.precision,
        "preprocessing": asdict(preprocessing),
    }
    cache = training.cache(network, roidb, settings, shapes, compute)

    def cached(entry: int, flipped: int, scale_index: int) -> Tensor:
        found = cache[place(entry, flipped, scale_index)].astype(np.float32)
        return torch.from_numpy(found).permute(2, 0, 1)[None].to(device)

    def stacked_windows(sampled: SampledRegions) -> Batch:
        windows = []
        for b, (i, row) in enumerate(zip(sampled.entries, sampled.rois, strict=True)):
            box, scale_index = roidb[i].rois[[row]], int(sampled.scale_indices[b])
            if sampled.flipped[b]:
                box = box_ops.flip(box, sizes[i][1])
            found = cache[place(i, int(sampled.flipped[b]), scale_index)]
            windows.append(maps.cut(found, box[0], sizes[i], scale_index))
        return stacked(windows)

    def scores(column: Tensor, cells: Tensor) -> Tensor:
        return network(spatial_pyramid(column, cells))

    sampler = PooledRegionSampler(
        roidb, train.sampling, train.flip, scales, numpy_generator(seed, "sampling")
    )
    training.fine_tune(network, sampler, stacked_windows, scores)

    def features(i: int, rows: np.ndarray) -> Tensor:
        boxes = roidb[i].rois[rows]
        best = maps.best_scales(boxes, sizes[i])
        return maps.pool(boxes, sizes[i], best, partial(cached, i, 0)).cpu()

    # The original trains SVMs on windows of different features only (FACTS §3.5).
    training.fit_posthoc(network, roidb, features, lambda i: maps.distinct(roidb[i].rois, sizes[i]))
    training.write(network, preprocessing, out)


def load_detector(cell: Cell, weights_file: Path) -> Detector:
    """A detector with trained weights.

    Raises:
        UserError: the file is missing, damaged, or of another network or set of classes.
    """
    network = SPPNet(cell.network.name, len(cell.data.classes))
    preprocessing = weights.restore(network, weights_file)
    test = cell.test
    return Detector(network, preprocessing, test.scales, default_device(), test.precision)
