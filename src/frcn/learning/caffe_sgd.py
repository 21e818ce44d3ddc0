"""Stochastic gradient descent as Caffe does it (FACTS §1.2, §1.3, §1.5)."""

import torch
from torch import Tensor, nn

from frcn.config import Solver


class CaffeSGD:
    """v ← m·v + lr·lr_mult·(g + decay·decay_mult·w); w ← w − v.

    The learning rate is inside the velocity, so after a drop the old rate dies away over a few
    steps; torch's SGD multiplies outside and drops at once. Biases learn at ``bias_lr_mult``
    times the rate and decay at ``bias_decay_mult``; new class scores learn ``output_lr_mult``
    times as fast as the rest. Parameters without gradient are frozen.
    """

    def __init__(self, network: nn.Module, solver: Solver) -> None:
        self._solver = solver
        self._parameters = {n: p for n, p in network.named_parameters() if p.requires_grad}
        self.velocity = {n: torch.zeros_like(p) for n, p in self._parameters.items()}

    def learning_rate(self, step: int) -> float:
        """Rate of update ``step``, counted from 0: base · gamma^⌊step / step_size⌋."""
        return self._solver.base_lr * self._solver.gamma ** (step // self._solver.step_size)

    @torch.no_grad()
    def step(self, step: int) -> None:
        """Apply the gradients that ``backward`` left as update ``step``, then clear them."""
        decay = self._solver.weight_decay
        outputs = [n for n in self._parameters if n.startswith("cls_score.")]
        others = [n for n in self._parameters if n not in outputs]
        for names, multiplier in ((others, 1.0), (outputs, self._solver.output_lr_mult)):
            rate = self.learning_rate(step) * multiplier
            weights = [n for n in names if not n.endswith(".bias")]
            biases = [n for n in names if n.endswith(".bias")]
            self._update(weights, rate, decay)
            self._update(
                biases, rate * self._solver.bias_lr_mult, decay * self._solver.bias_decay_mult
            )

    def _update(self, names: list[str], rate: float, decay: float) -> None:
        parameters = [self._parameters[n] for n in names if self._parameters[n].grad is not None]
        if not parameters:
            return
        velocity = [self.velocity[n] for n in names if self._parameters[n].grad is not None]
        gradients: list[Tensor] = [p.grad for p in parameters]
        torch._foreach_add_(gradients, parameters, alpha=decay)
        torch._foreach_mul_(velocity, self._solver.momentum)
        torch._foreach_add_(velocity, gradients, alpha=rate)
        torch._foreach_sub_(parameters, velocity)
        for parameter in parameters:
            parameter.grad = None
