"""Pre-training of a backbone on generated images of other classes, as from ImageNet to VOC."""

import time
from itertools import repeat
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from frcn.artefacts import write_json
from frcn.config import Network, Pretraining
from frcn.data.shapes import PRETRAINING_CLASSES, pretraining_batch
from frcn.learning.starting_network import OUTPUTS
from frcn.machine import default_device, describe
from frcn.models import weights
from frcn.models.fast_rcnn_net import FastRCNNNet
from frcn.models.spp_net import SPPNet
from frcn.progress import progress
from frcn.seeding import torch_generator
from frcn.workers import worker_pool

Classifier = FastRCNNNet | SPPNet
HELD_OUT = 0.1
"""Share of the images that only measures accuracy."""
CHUNK = 250
"""Images that a process draws at a time."""


def pretrain(network_config: Network, pooling: str, out: Path, workers: int) -> None:
    """Train a classifier from random weights; write trunk, fc6 and fc7 and a summary beside.

    The classifier is a detection network looking at the whole picture: with ``pooling: grid`` at
    one RoI of Fast R-CNN's, with ``pooling: pyramid`` at one window of SPP-net's. Its class scores
    are thrown away: fine-tuning starts with fresh outputs, as from ImageNet weights.
    Batch normalisation makes the few steps count and is folded into the layers afterwards, so
    that what is fine-tuned has the plain layers of VGG16.
    """
    settings = network_config.weights
    start = time.perf_counter()
    images, labels = _generate(settings, workers)
    preprocessing = _preprocessing(images)
    inputs = torch.from_numpy(images).permute(0, 3, 1, 2)
    targets = torch.from_numpy(labels)
    held_out = round(HELD_OUT * len(images))
    network = _random_network(network_config.name, pooling, settings.seed)
    _train(network, inputs[held_out:], targets[held_out:], preprocessing, settings)
    _fold_batch_norm(network)
    accuracy = _accuracy(network, inputs[:held_out], targets[:held_out], preprocessing)
    tensors = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.startswith(OUTPUTS)
    }
    weights.save(out, tensors, network_config.name, preprocessing)
    summary = {"seconds": time.perf_counter() - start, "held_out_accuracy": 100 * accuracy}
    write_json(out.with_suffix(".json"), summary | describe(network))


def _generate(settings: Pretraining, workers: int) -> tuple[np.ndarray, np.ndarray]:
    starts = range(0, settings.images, CHUNK)
    counts = [min(CHUNK, settings.images - start) for start in starts]
    images, labels = [], []
    with (
        worker_pool(workers) as pool,
        progress(settings.images, "pre-training images", "image") as bar,
    ):
        fixed = (repeat(settings.image_size), repeat(settings.seed))
        for batch_images, batch_labels in pool.map(pretraining_batch, counts, *fixed, starts):
            images.append(batch_images)
            labels.append(batch_labels)
            bar.update(len(batch_images))
    return np.concatenate(images), np.concatenate(labels)


def _preprocessing(images: np.ndarray) -> weights.Preprocessing:
    pixels = images.reshape(-1, 3).astype(np.float64)
    mean, std = pixels.mean(axis=0), pixels.std(axis=0)
    return weights.Preprocessing(tuple(mean.tolist()), tuple(std.tolist()))


def _random_network(name: str, pooling: str, seed: int) -> Classifier:
    """Kaiming-initialised, with batch normalisation after every layer but the class scores."""
    classes = len(PRETRAINING_CLASSES) - 1
    network = SPPNet(name, classes) if pooling == "pyramid" else FastRCNNNet(name, classes, False)
    generator = torch_generator(seed, "pretraining weights")
    for _, layer in network.layers():
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
        nn.init.zeros_(layer.bias)
    network.initialise_outputs(generator)
    for index, layer in enumerate(network.trunk):
        if isinstance(layer, nn.Conv2d):
            network.trunk[index] = nn.Sequential(layer, nn.BatchNorm2d(layer.out_channels))
    network.fc6 = nn.Sequential(network.fc6, nn.BatchNorm1d(network.fc6.out_features))
    network.fc7 = nn.Sequential(network.fc7, nn.BatchNorm1d(network.fc7.out_features))
    return network


def _fold_batch_norm(network: Classifier) -> None:
    """Scale and shift each layer by its batch normalisation, exact at test time."""
    network.eval()
    for index, layer in enumerate(network.trunk):
        if isinstance(layer, nn.Sequential):
            network.trunk[index] = fuse_conv_bn_eval(*layer)
    network.fc6 = fuse_linear_bn_eval(*network.fc6)
    network.fc7 = fuse_linear_bn_eval(*network.fc7)


def _train(
    network: Classifier,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    preprocessing: weights.Preprocessing,
    settings: Pretraining,
) -> None:
    device = default_device()
    network.to(device).train()
    order = torch_generator(settings.seed, "pretraining order")
    torch.manual_seed(torch_generator(settings.seed, "pretraining dropout").initial_seed())
    optimiser = torch.optim.SGD(
        network.parameters(), settings.learning_rate, momentum=0.9, weight_decay=5e-4
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=settings.steps
    )
    with progress(settings.steps, f"pre-train {network.name}", "step") as bar:
        for _ in range(settings.steps):
            chosen = torch.randint(len(inputs), (settings.batch_size,), generator=order)
            flipped = torch.rand(1, generator=order).item() < 0.5
            images = inputs[chosen].flip(3) if flipped else inputs[chosen]
            scores = _classify(network, images.to(device), preprocessing)
            loss = functional.cross_entropy(scores, targets[chosen].to(device))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            bar.update()
            bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)


def _classify(
    network: Classifier, images: torch.Tensor, preprocessing: weights.Preprocessing
) -> torch.Tensor:
    mean = images.new_tensor(preprocessing.mean, dtype=torch.float32).view(3, 1, 1)
    std = images.new_tensor(preprocessing.std, dtype=torch.float32).view(3, 1, 1)
    return network.classify((images.float() - mean) / std)


@torch.no_grad()
def _accuracy(
    network: Classifier,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    preprocessing: weights.Preprocessing,
) -> float:
    network.eval()
    device = default_device()
    correct = 0
    for images, labels in zip(inputs.split(256), targets.split(256), strict=True):
        scores = _classify(network, images.to(device), preprocessing)
        correct += int((scores.argmax(dim=1).cpu() == labels).sum())
    return correct / max(len(inputs), 1)
