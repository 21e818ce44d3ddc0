"""Fine-tuning of Fast R-CNN by mini-batch SGD (paper §2.3; FACTS §1.2, §1.7)."""

import sys
from contextlib import closing
from pathlib import Path

import torch
from torch import Tensor

from frcn.artefacts import atomic_path, write_json
from frcn.config import Cell, Train
from frcn.learning.caffe_sgd import CaffeSGD
from frcn.learning.checkpoint import Checkpoint, fingerprint
from frcn.learning.determinism import fixed_order_of_sums
from frcn.learning.hierarchical_sampling import HierarchicalSampler, SampledImage
from frcn.learning.losses import bbox_loss, classification_loss
from frcn.learning.minibatch import Minibatch, assemble
from frcn.learning.prefetch import Batch, Prefetch
from frcn.learning.processes import Processes, started
from frcn.learning.roidb import Pictures, RoiImage, TargetStatistics, target_statistics
from frcn.learning.sgd import descend
from frcn.learning.starting_network import start_from
from frcn.machine import default_device, describe, within_memory
from frcn.models import weights
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.precision import computing_in, float32_products
from frcn.seeding import numpy_generator, torch_generator


@within_memory("train.sampling.images_per_batch", "train.scales")
def fine_tune(
    cell: Cell, roidb: list[RoiImage], parent_weights: Path, seed: int, out: Path, resume: Path
) -> None:
    """Train a cell by SGD and write ``weights.safetensors``, ``loss.csv`` and ``train.json``.

    See ``frcn.systems.fast_rcnn.fit`` for the arguments. Processes that torchrun started work
    together; the first of them writes.

    Raises:
        UserError: the parent's weights don't fit, the loss is no longer finite, or a GPU's memory
            is not enough.
    """
    with started() as processes:
        if processes.count > 1 and processes.first:
            print(_linear_rule(cell.train, processes.count), file=sys.stderr, flush=True)
        _fine_tune(cell, roidb, parent_weights, seed, out, resume, processes)


def _fine_tune(
    cell: Cell,
    roidb: list[RoiImage],
    parent_weights: Path,
    seed: int,
    out: Path,
    resume: Path,
    processes: Processes,
) -> None:
    train = cell.train
    device = default_device()
    network, preprocessing = start_from(
        FastRCNNNet(cell.network.name, len(cell.data.classes), train.bbox_reg),
        parent_weights,
        seed,
    )
    network.to(device).train()
    network.freeze_before(train.learn_from)
    replicated = processes.replicated(network)
    sampler = HierarchicalSampler(
        roidb,
        processes.widened(train.sampling),
        train.flip,
        len(train.scales.short_sides),
        numpy_generator(seed, "sampling"),
    )
    statistics = target_statistics(roidb, len(cell.data.classes), train.flip)
    pictures = Pictures(roidb)
    torch.manual_seed(torch_generator(seed, processes.own_name("dropout")).initial_seed())

    def minibatch(sampled: list[SampledImage]) -> Batch:
        own = processes.share(sampled)
        # Losses are divided by the RoIs of a process, which may lack some; so that all RoIs of a
        # step count alike, a process counts as much as it has.
        weight = processes.count * _count_rois(own) / _count_rois(sampled)
        batch = assemble(own, roidb, pictures, train.scales, preprocessing, statistics)
        return torch.tensor(weight), *batch

    def losses(tensors: Batch) -> tuple[Tensor, Tensor]:
        weight, *others = tensors
        batch = Minibatch(*others)
        with computing_in(train.precision, device):
            scores, deltas = replicated(batch.images, batch.rois)
        loss_cls = train.cls_loss_weight * classification_loss(scores.float(), batch.labels)
        loss_bbox = (
            loss_cls.new_zeros(())
            if deltas is None
            else train.bbox_loss_weight
            * bbox_loss(deltas.float(), batch.labels, batch.targets, batch.foreground)
        )
        return weight * (loss_cls + loss_bbox), weight * torch.stack([loss_cls, loss_bbox])

    solver = train.solver
    what = f"train {cell.experiment}"
    batches = Prefetch(sampler, minibatch, device)
    checkpoint = Checkpoint(
        resume,
        fingerprint(cell, roidb, parent_weights, seed, processes.count),
        network,
        CaffeSGD(network, solver),
        batches,
        processes,
    )
    with (
        closing(batches),
        float32_products(train.precision),
        fixed_order_of_sums(train.deterministic),
    ):
        trace = descend(checkpoint, losses, solver.iterations, solver.checkpoint_every, what)
    if not processes.first:
        return
    tensors = network.state_dict()
    if network.bbox_pred is not None:
        tensors |= unnormalised_bbox_pred(network, statistics)
    weights.save(out / "weights.safetensors", tensors, cell.network.name, preprocessing)
    with atomic_path(out / "loss.csv") as temporary:
        trace.curve.to_csv(temporary, index=False)
    summary = trace.summary | {"processes": processes.count} | describe(network)
    write_json(out / "train.json", summary)
    checkpoint.remove()


def _count_rois(sampled: list[SampledImage]) -> int:
    return sum(len(image.rois) for image in sampled)


def _linear_rule(train: Train, count: int) -> str:
    """What the config would say if rate and schedule followed the size of the mini-batch."""
    solver, images = train.solver, train.sampling.images_per_batch
    return (
        f"{count} processes: mini-batches of {count * images} images instead of {images}."
        f" By the linear rule, train.solver would have base_lr {count * solver.base_lr:g},"
        f" step_size {solver.step_size // count}, iterations {solver.iterations // count};"
        " the config's stay."
    )


def unnormalised_bbox_pred(
    network: FastRCNNNet, statistics: TargetStatistics
) -> dict[str, torch.Tensor]:
    """``bbox_pred`` that predicts plain targets: rows × std, bias × std + mean (FACTS §1.7)."""
    weight, bias = network.bbox_pred.weight.detach(), network.bbox_pred.bias.detach()
    std = torch.from_numpy(statistics.std.reshape(-1)).to(weight)
    mean = torch.from_numpy(statistics.mean.reshape(-1)).to(weight)
    return {"bbox_pred.weight": weight * std[:, None], "bbox_pred.bias": bias * std + mean}
