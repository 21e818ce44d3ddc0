"""What the trainings of R-CNN and SPP-net share: fine-tuning on regions, then post-hoc learners.

Everything that takes long is kept in a folder of its own until the weights are safe, so that an
interrupted training goes on where it was.
"""

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from frcn.artefacts import atomic_path, sha256_json, write_json
from frcn.config import Cell
from frcn.learning.bbox_regressor import fit_bbox_regressors
from frcn.learning.caffe_sgd import CaffeSGD
from frcn.learning.checkpoint import Checkpoint, Sampler, fingerprint
from frcn.learning.determinism import fixed_order_of_sums
from frcn.learning.feature_cache import FeatureCache, assert_room, build_cache
from frcn.learning.losses import classification_loss
from frcn.learning.prefetch import Batch, Prefetch
from frcn.learning.processes import refuse_several
from frcn.learning.region_sampling import SampledRegions
from frcn.learning.roidb import RoiImage, contents
from frcn.learning.sgd import descend
from frcn.learning.svm import Features, feature_scale, fit_svms
from frcn.machine import default_device, describe
from frcn.models import weights
from frcn.models.posthoc_net import PosthocNet
from frcn.precision import computing_in, float32_products
from frcn.seeding import torch_generator

CACHES = "features-"


class RegionTraining:
    """One training of a cell: its steps, their seconds, and the folder of what is unfinished."""

    def __init__(
        self, cell: Cell, roidb: list[RoiImage], parent_weights: Path, seed: int, resume: Path
    ) -> None:
        refuse_several(f"train.kind {cell.train.kind} of {cell.system}")
        self.cell = cell
        self.seed = seed
        self._fingerprint = fingerprint(cell, roidb, parent_weights, seed)
        self._folder = resume.with_suffix("")
        self._seconds: dict[str, float] = {}
        self._summary: dict = {}
        self._curve = None

    def fine_tune(
        self,
        network: PosthocNet,
        sampler: Sampler,
        inputs: Callable[[SampledRegions], Batch],
        scores: Callable[..., Tensor],
    ) -> None:
        """SGD on the log loss of the classes.

        Args:
            network: learns.
            sampler: draws regions.
            inputs: of sampled regions; tensors on the CPU, made ahead of the step that needs them.
            scores: (R, K+1) class scores of these tensors, which by then lie on the device.
        """
        train = self.cell.train
        solver = train.solver
        device = default_device()
        network.to(device).train()
        network.freeze_before(train.learn_from)
        file = self._folder / "fine_tuning.safetensors"
        optimiser = CaffeSGD(network, solver)
        torch.manual_seed(torch_generator(self.seed, "dropout").initial_seed())

        def labelled(sampled: SampledRegions) -> Batch:
            return torch.from_numpy(sampled.labels), *inputs(sampled)

        def losses(batch: Batch) -> tuple[Tensor, Tensor]:
            labels, *tensors = batch
            with computing_in(train.precision, device):
                found = scores(*tensors)
            loss = classification_loss(found.float(), labels)
            return loss, torch.stack([loss, torch.zeros_like(loss)])

        what = f"train {self.cell.experiment}"
        batches = Prefetch(sampler, labelled, device)
        checkpoint = Checkpoint(file, self._fingerprint, network, optimiser, batches)
        with (
            closing(batches),
            float32_products(train.precision),
            fixed_order_of_sums(train.deterministic),
        ):
            trace = descend(checkpoint, losses, solver.iterations, solver.checkpoint_every, what)
        # Kept until the end: what follows takes long as well, and may be interrupted.
        checkpoint.save(solver.iterations, trace.seconds, trace.rows)
        network.eval()
        self._seconds["fine_tune"] = trace.seconds
        self._summary |= trace.summary
        self._curve = trace.curve

    def assert_room(self, shapes: list[tuple[int, ...]]) -> None:
        """Refuse before the first step what features of these ``shapes`` have no room for."""
        kept = (path.stat() for path in self._folder.glob(f"{CACHES}*/*"))
        assert_room(self._folder, shapes, sum(512 * stat.st_blocks for stat in kept))

    def cache(
        self,
        network: PosthocNet,
        roidb: list[RoiImage],
        settings: object,
        shapes: list[tuple[int, ...]],
        compute: Callable[[int], np.ndarray],
    ) -> FeatureCache:
        """Features of every entry on disk, bound to weights, pictures, boxes and ``settings``."""
        key = [settings, weights.content_hash(network.state_dict()), *contents(roidb)]
        folder = self._folder / (CACHES + sha256_json(key)[:16])
        for other in self._folder.glob(f"{CACHES}*"):
            if other != folder:
                shutil.rmtree(other)
        what = f"features {self.cell.experiment}"
        cache = build_cache(folder, key, shapes, compute, what)
        self._seconds["features"] = cache.seconds
        return cache

    def fit_posthoc(
        self,
        network: PosthocNet,
        roidb: list[RoiImage],
        pooled: Features,
        candidates: Callable[[int], np.ndarray] | None = None,
    ) -> None:
        """Install SVMs on fc7 as the class scores, and box regressors on pooled features.

        ``candidates``: see ``fit_svms``.
        """
        train = self.cell.train
        num_classes = len(self.cell.data.classes)
        device = default_device()

        @torch.no_grad()
        def fc7(i: int, rows: np.ndarray) -> Tensor:
            with computing_in(train.precision, device):
                return network.fc7_features(pooled(i, rows).to(device)).float().cpu()

        start = perf_counter()
        weight, bias, mined = fit_svms(
            roidb, fc7, num_classes, train.svm, self.seed, self._folder, candidates
        )
        network.cls_score.weight.data = weight.to(device)
        network.cls_score.bias.data = bias.to(device)
        self._seconds["svm"] = perf_counter() - start
        start = perf_counter()
        scale = feature_scale(roidb, pooled, train.svm, self.seed)
        weight, bias, examples = fit_bbox_regressors(
            roidb, pooled, scale, num_classes, train.regressor
        )
        network.bbox_regressor.weight.data = weight.to(device)
        network.bbox_regressor.bias.data = bias.to(device)
        self._seconds["bbox_regressor"] = perf_counter() - start
        self._summary |= mined | {"regressor_examples": examples}

    def write(self, network: PosthocNet, preprocessing: weights.Preprocessing, out: Path) -> None:
        """``weights.safetensors``, ``loss.csv`` and ``train.json``; then forget what was kept."""
        weights.save(out / "weights.safetensors", network.state_dict(), network.name, preprocessing)
        with atomic_path(out / "loss.csv") as temporary:
            self._curve.to_csv(temporary, index=False)
        total = {"seconds": sum(self._seconds.values()), "phases": self._seconds}
        write_json(out / "train.json", self._summary | total | describe(network))
        shutil.rmtree(self._folder)
