"""Fine-tuning by mini-batch SGD (paper §2.3; FACTS §1.2, §1.7)."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from frcn.artefacts import atomic_path, sha256_file, sha256_json, write_json
from frcn.config import Cell
from frcn.errors import UserError
from frcn.learning.caffe_sgd import CaffeSGD
from frcn.learning.checkpoint import Checkpoint
from frcn.learning.hierarchical_sampling import HierarchicalSampler
from frcn.learning.losses import bbox_loss, classification_loss
from frcn.learning.minibatch import Minibatch, assemble
from frcn.learning.roidb import RoiImage, TargetStatistics, target_statistics
from frcn.machine import default_device, describe
from frcn.models import weights
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.progress import progress
from frcn.seeding import numpy_generator, torch_generator

DISPLAY = 20
"""Steps between rows of the loss curve, as in the original's solver (FACTS §1.2)."""


def fine_tune(
    cell: Cell, roidb: list[RoiImage], parent_weights: Path, seed: int, out: Path, resume: Path
) -> None:
    """Train a cell by SGD and write ``weights.safetensors``, ``loss.csv`` and ``train.json``.

    See ``frcn.systems.fast_rcnn.fit`` for the arguments.

    Raises:
        UserError: the parent's weights don't fit, or the loss is no longer finite.
    """
    train = cell.train
    device = default_device()
    network, preprocessing = _starting_network(cell, parent_weights, seed)
    network.to(device).train()
    network.freeze_before(train.learn_from)
    optimiser = CaffeSGD(network, train.solver)
    sampler = HierarchicalSampler(
        roidb,
        train.sampling,
        train.flip,
        len(train.scales.short_sides),
        numpy_generator(seed, "sampling"),
    )
    statistics = target_statistics(roidb, len(cell.data.classes), train.flip)
    checkpoint = Checkpoint(
        resume, _fingerprint(cell, parent_weights, seed), network, optimiser, sampler
    )
    torch.manual_seed(torch_generator(seed, "dropout").initial_seed())
    done, seconds, log = checkpoint.restore()
    start = time.perf_counter() - seconds
    iterations = train.solver.iterations
    pending: list[torch.Tensor] = []
    with progress(iterations, f"train {cell.experiment}", "step", initial=done) as bar:
        for step in range(done, iterations):
            batch = assemble(next(sampler), roidb, train.scales, preprocessing, statistics)
            pending.append(_sgd_step(network, batch.to(device), cell, optimiser, step))
            bar.update()
            last = step + 1 == iterations
            saving = (step + 1) % train.solver.checkpoint_every == 0 and not last
            if (step + 1) % DISPLAY == 0 or saving or last:
                log.append(_log_row(step, optimiser.learning_rate(step), pending))
                bar.set_postfix(loss=f"{log[-1][2]:.3f}", refresh=False)
                pending.clear()
            if saving:
                checkpoint.save(step + 1, time.perf_counter() - start, log)
    _write_training(
        cell,
        network,
        preprocessing,
        statistics,
        log,
        {"seconds": time.perf_counter() - start, "steps": iterations, "final_loss": log[-1][2]},
        out,
    )
    checkpoint.remove()


def _starting_network(
    cell: Cell, parent_weights: Path, seed: int
) -> tuple[FastRCNNNet, weights.Preprocessing]:
    tensors, preprocessing = weights.load(parent_weights, cell.network.name)
    network = FastRCNNNet(cell.network.name, len(cell.data.classes), cell.train.bbox_reg)
    network.initialise_outputs(torch_generator(seed, "outputs"))
    missing = weights.initialise(network, tensors, parent_weights)
    not_outputs = [n for n in missing if not n.startswith(("cls_score", "bbox_pred"))]
    if not_outputs:
        raise UserError(f"{parent_weights}: lacks {', '.join(not_outputs)}; train it again")
    return network, preprocessing


def _sgd_step(
    network: FastRCNNNet, batch: Minibatch, cell: Cell, optimiser: CaffeSGD, step: int
) -> torch.Tensor:
    """One update; returns (2,) classification and box losses, detached, unweighted."""
    scores, deltas = network(batch.images, batch.rois)
    loss_cls = classification_loss(scores, batch.labels)
    loss_bbox = (
        scores.new_zeros(()) if deltas is None else bbox_loss(deltas, batch.labels, batch.targets)
    )
    loss = cell.train.cls_loss_weight * loss_cls + cell.train.bbox_loss_weight * loss_bbox
    loss.backward()
    optimiser.step(step)
    return torch.stack([loss_cls.detach(), loss_bbox.detach()])


def _log_row(step: int, rate: float, pending: list[torch.Tensor]) -> list[float]:
    loss_cls, loss_bbox = torch.stack(pending).mean(dim=0).tolist()
    if not np.isfinite(loss_cls + loss_bbox):
        raise UserError(
            f"training diverged before step {step + 1}: the loss is not finite."
            " Lower train.solver.base_lr."
        )
    return [step + 1, rate, loss_cls + loss_bbox, loss_cls, loss_bbox]


def _fingerprint(cell: Cell, parent_weights: Path, seed: int) -> str:
    config = cell.model_dump(include={"data", "network", "proposals", "dense", "train"})
    return sha256_json([config, seed, sha256_file(parent_weights)])


def _write_training(
    cell: Cell,
    network: FastRCNNNet,
    preprocessing: weights.Preprocessing,
    statistics: TargetStatistics,
    log: list[list[float]],
    summary: dict,
    out: Path,
) -> None:
    tensors = network.state_dict()
    if network.bbox_pred is not None:
        tensors |= unnormalised_bbox_pred(network, statistics)
    weights.save(out / "weights.safetensors", tensors, cell.network.name, preprocessing)
    columns = ["step", "lr", "loss", "loss_cls", "loss_bbox"]
    with atomic_path(out / "loss.csv") as temporary:
        pd.DataFrame(log, columns=columns).to_csv(temporary, index=False)
    write_json(out / "train.json", summary | describe(network))


def unnormalised_bbox_pred(
    network: FastRCNNNet, statistics: TargetStatistics
) -> dict[str, torch.Tensor]:
    """``bbox_pred`` that predicts plain targets: rows × std, bias × std + mean (FACTS §1.7)."""
    weight, bias = network.bbox_pred.weight.detach(), network.bbox_pred.bias.detach()
    std = torch.from_numpy(statistics.std.reshape(-1)).to(weight)
    mean = torch.from_numpy(statistics.mean.reshape(-1)).to(weight)
    return {"bbox_pred.weight": weight * std[:, None], "bbox_pred.bias": bias * std + mean}
