"""Fast R-CNN: fit a cell's weights, load them for detection (paper §2–3)."""

import time
from pathlib import Path

import numpy as np
from torch import Tensor

from frcn.artefacts import write_json
from frcn.config import Cell
from frcn.errors import UserError
from frcn.learning.fine_tuning import fine_tune
from frcn.learning.processes import refuse_several
from frcn.learning.roidb import RoiImage, Sources, build_roidb
from frcn.learning.svm import fit_svms
from frcn.machine import default_device, describe, within_memory
from frcn.models import truncated_svd, weights
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.systems.fast_rcnn.detector import Detector


def fit(
    cell: Cell, sources: Sources, parent_weights: Path, seed: int, out: Path, resume: Path
) -> None:
    """Train a cell and write ``weights.safetensors``, ``train.json`` and, of SGD, ``loss.csv``.

    Args:
        cell: the config; ``train.kind`` decides between SGD and post-hoc SVMs.
        sources: data set and proposals of each training split.
        parent_weights: backbone or another cell's weights to start from.
        seed: decides initial outputs, order of images, sampled RoIs, dropout.
        out: folder of the results, written at the end only.
        resume: file of the resumable state; a killed training continues from it, but for the
            fits of SVMs, which start anew.
    """
    train = cell.train
    roidb = build_roidb(sources, train.proposals, train.sampling.fg_threshold)
    if train.kind == "svm":
        _fit_svms(cell, roidb, parent_weights, seed, out, resume.parent)
    else:
        fine_tune(cell, roidb, parent_weights, seed, out, resume)


@within_memory("train.proposals", "test.scales")
def _fit_svms(
    cell: Cell, roidb: list[RoiImage], parent_weights: Path, seed: int, out: Path, scratch: Path
) -> None:
    refuse_several(f"train.kind {cell.train.kind}")
    start = time.perf_counter()
    test = cell.test.model_copy(update={"precision": cell.train.precision})
    detector = load_detector(cell.model_copy(update={"test": test}), parent_weights)
    network = detector.network

    def features(i: int, rows: np.ndarray) -> Tensor:
        entry = roidb[i]
        return detector.fc7_features(entry.dataset.image(entry.index), entry.rois[rows])

    weight, bias, summary = fit_svms(
        roidb, features, len(cell.data.classes), cell.train.svm, seed, scratch
    )
    network.cls_score.weight.data = weight
    network.cls_score.bias.data = bias
    weights.save(
        out / "weights.safetensors", network.state_dict(), cell.network.name, detector.preprocessing
    )
    seconds = time.perf_counter() - start
    summary = {"seconds": seconds, "steps": len(roidb)} | summary | describe(network)
    write_json(out / "train.json", summary)


def load_detector(cell: Cell, weights_file: Path) -> Detector:
    """A detector with trained weights, compressed first where ``test.svd`` says so.

    Raises:
        UserError: the file is missing, damaged, or of another network or set of classes.
    """
    tensors, preprocessing = weights.load(weights_file, cell.network.name)
    bbox_reg = "bbox_pred.weight" in tensors
    network = FastRCNNNet(cell.network.name, len(cell.data.classes), bbox_reg)
    missing = weights.initialise(network, tensors, weights_file)
    if missing or (cell.test.bbox_reg and not bbox_reg):
        raise UserError(
            f"{weights_file}: lacks {', '.join(missing) or 'bbox_pred'},"
            f" which {cell.experiment} needs; train the cell again"
        )
    if cell.test.svd:
        truncated_svd.compress(network, cell.test.svd)
    return Detector(network, preprocessing, cell.test, default_device())
