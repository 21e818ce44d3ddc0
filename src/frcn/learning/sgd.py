"""The SGD loop of all trainings: steps, loss curve, checkpoints (FACTS §1.2, §1.5)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from frcn.errors import UserError
from frcn.learning.checkpoint import Checkpoint
from frcn.learning.processes import Processes
from frcn.progress import progress

DISPLAY = 20
"""Steps between rows of the loss curve, as in the original's solver (FACTS §1.2)."""
COLUMNS = ("step", "lr", "loss", "loss_cls", "loss_bbox")

Losses = Callable[[Any], tuple[Tensor, Tensor]]
"""Of a mini-batch: the loss to descend, and its (2,) terms, of classification and of boxes."""


@dataclass(frozen=True)
class Trace:
    """How a training went: seconds in all, and its loss curve with ``COLUMNS``.

    ``waiting_share`` is the part of the time, since it was last resumed, that the loop waited for
    mini-batches; None where no step was left to take. A GPU may have been busy with earlier steps
    meanwhile, so for how long it stood still this is an upper bound.
    """

    seconds: float
    curve: pd.DataFrame
    waiting_share: float | None

    @property
    def rows(self) -> list[list[float]]:
        """The loss curve as a checkpoint keeps it."""
        return [list(row) for row in self.curve.itertuples(index=False)]

    @property
    def summary(self) -> dict:
        """What ``train.json`` says of the steps."""
        return {
            "seconds": self.seconds,
            "steps": int(self.curve["step"].iloc[-1]),
            "final_loss": float(self.curve["loss"].iloc[-1]),
            "waiting_share": self.waiting_share,
        }


def descend(
    checkpoint: Checkpoint, losses: Losses, iterations: int, every: int, what: str
) -> Trace:
    """Take ``iterations`` steps, those that ``checkpoint`` has seen included.

    Args:
        checkpoint: holds network, optimiser and sampler, and their saved state if there is one;
            knows of the processes that take the steps together.
        losses: what a mini-batch of the sampler costs.
        iterations: steps in all.
        every: steps between checkpoints.
        what: shown beside the progress.

    Raises:
        UserError: the loss is no longer finite.
    """
    optimiser, sampler, processes = checkpoint.optimiser, checkpoint.sampler, checkpoint.processes
    done, seconds, rows = checkpoint.restore()
    begin = time.perf_counter()
    start, waited = begin - seconds, 0.0
    pending: list[Tensor] = []
    with progress(iterations, what, "step", done, processes.first) as bar:
        for step in range(done, iterations):
            asked = time.perf_counter()
            batch = next(sampler)
            waited += time.perf_counter() - asked
            loss, parts = losses(batch)
            loss.backward()
            optimiser.step(step)
            pending.append(parts.detach())
            bar.update()
            last = step + 1 == iterations
            saving = (step + 1) % every == 0 and not last
            if (step + 1) % DISPLAY == 0 or saving or last:
                rows.append(_row(step, optimiser.learning_rate(step), pending, processes))
                bar.set_postfix(loss=f"{rows[-1][2]:.3f}", refresh=False)
                pending.clear()
            if saving:
                checkpoint.save(step + 1, time.perf_counter() - start, rows)
    end = time.perf_counter()
    curve = pd.DataFrame(rows, columns=list(COLUMNS))
    return Trace(end - start, curve, waited / (end - begin) if done < iterations else None)


def _row(step: int, rate: float, pending: list[Tensor], processes: Processes) -> list[float]:
    loss_cls, loss_bbox = processes.mean(torch.stack(pending).mean(dim=0)).tolist()
    if not np.isfinite(loss_cls + loss_bbox):
        raise UserError(
            f"training diverged before step {step + 1}: the loss is not finite."
            " Lower train.solver.base_lr."
        )
    return [step + 1, rate, loss_cls + loss_bbox, loss_cls, loss_bbox]
