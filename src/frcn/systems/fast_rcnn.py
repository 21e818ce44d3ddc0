"""Fast R-CNN: fit a cell's weights, detect with them (paper §2–3)."""

import time
from collections.abc import Sequence
from pathlib import Path

from frcn.artefacts import atomic_path, write_json
from frcn.config import Cell
from frcn.data.voc import VOCDataset
from frcn.errors import UserError
from frcn.learning.fine_tuning import fine_tune
from frcn.learning.roidb import RoiImage, build_roidb
from frcn.learning.svm import fit_svms
from frcn.machine import default_device, describe
from frcn.models import truncated_svd, weights
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.progress import progress
from frcn.proposals.source import ProposalSource
from frcn.systems.detection_collector import DetectionCollector
from frcn.systems.detector import Detector

Sources = Sequence[tuple[VOCDataset, ProposalSource]]


def fit(
    cell: Cell, sources: Sources, parent_weights: Path, seed: int, out: Path, resume: Path
) -> None:
    """Train a cell and write ``weights.safetensors``, ``loss.csv`` and ``train.json``.

    Args:
        cell: the config; ``train.kind`` decides between SGD and post-hoc SVMs.
        sources: data set and proposals of each training split.
        parent_weights: backbone or another cell's weights to start from.
        seed: decides initial outputs, order of images, sampled RoIs, dropout.
        out: folder of the results, written at the end only.
        resume: file of the resumable state; a killed training continues from it.
    """
    train = cell.train
    roidb = build_roidb(
        sources, train.proposals, train.sampling.fg_threshold, train.sampling.bg_threshold_low
    )
    if train.kind == "svm":
        _fit_svms(cell, roidb, parent_weights, seed, out)
    else:
        fine_tune(cell, roidb, parent_weights, seed, out, resume)


def _fit_svms(
    cell: Cell, roidb: list[RoiImage], parent_weights: Path, seed: int, out: Path
) -> None:
    start = time.perf_counter()
    detector, network, preprocessing = load_detector(cell, parent_weights)
    weight, bias, summary = fit_svms(
        roidb,
        lambda entry: detector.fc7_features(entry.dataset.image(entry.index), entry.rois),
        len(cell.data.classes),
        cell.train.svm,
        seed,
    )
    network.cls_score.weight.data = weight
    network.cls_score.bias.data = bias
    weights.save(
        out / "weights.safetensors", network.state_dict(), cell.network.name, preprocessing
    )
    seconds = time.perf_counter() - start
    write_json(out / "train.json", {"seconds": seconds} | summary | describe(network))


def detect(
    cell: Cell, dataset: VOCDataset, proposals: ProposalSource, weights_file: Path, out: Path
) -> None:
    """Detect in every image of the test split; write ``detections.parquet`` and ``detect.json``.

    Detections are those of FACTS §1.8 step 7: before NMS, at most ``max_per_image`` per class
    and image, above the running threshold of ``average_per_image`` × number of images.
    """
    detector, network, _ = load_detector(cell, weights_file)
    if len(dataset):
        # The first pass allocates memory and picks kernels; it is not timed.
        detector.detect(dataset.image(0), proposals.boxes(0, cell.test.proposals))
        detector.seconds.clear()
    collector = DetectionCollector(
        cell.data.classes, len(dataset), cell.test.max_per_image, cell.test.average_per_image
    )
    n_boxes = 0
    with progress(len(dataset), f"detect {cell.experiment}", "image") as bar:
        for index, image_id in enumerate(dataset.ids):
            boxes = proposals.boxes(index, cell.test.proposals)
            n_boxes += len(boxes)
            collector.add(image_id, *detector.detect(dataset.image(index), boxes))
            bar.update()
    with atomic_path(out / "detections.parquet") as temporary:
        collector.table().to_parquet(temporary, index=False)
    images = max(len(dataset), 1)
    phases = {name: seconds / images for name, seconds in detector.seconds.items()}
    write_json(
        out / "detect.json",
        {
            "n_images": len(dataset),
            "seconds_per_image": sum(phases.values()),
            "phases": phases,
            "proposals_per_image": n_boxes / images,
        }
        | describe(network),
    )


def load_detector(
    cell: Cell, weights_file: Path
) -> tuple[Detector, FastRCNNNet, weights.Preprocessing]:
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
    return Detector(network, preprocessing, cell.test, default_device()), network, preprocessing
