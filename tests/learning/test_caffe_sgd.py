"""The solver against a float64 loop over one number at a time."""

import numpy as np
import pytest
import torch
from torch import nn

from frcn.config import Solver
from frcn.learning.caffe_sgd import CaffeSGD

SOLVER = Solver(base_lr=0.1, gamma=0.1, step_size=5, momentum=0.9, weight_decay=0.05)


def slow_sgd(value: float, gradients: list[float], lr_mult: float, decay_mult: float) -> float:
    velocity = 0.0
    for step, gradient in enumerate(gradients):
        rate = 0.1 if step < 5 else 0.01 if step < 10 else 0.001
        velocity = 0.9 * velocity + rate * lr_mult * (gradient + 0.05 * decay_mult * value)
        value -= velocity
    return value


def test_every_number_follows_the_rule():
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)).double()
    network[0].requires_grad_(False)
    start = {n: p.detach().clone() for n, p in network.named_parameters()}
    optimiser = CaffeSGD(network, SOLVER)
    rng = np.random.default_rng(0)
    gradients = {n: rng.normal(size=(12, *p.shape)) for n, p in network.named_parameters()}
    for step in range(12):
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                parameter.grad = torch.tensor(gradients[name][step])
        optimiser.step(step)
        assert all(parameter.grad is None for parameter in network.parameters())
    for name, parameter in network.named_parameters():
        if name.startswith("0."):
            assert torch.equal(parameter, start[name])
            continue
        # Biases learn at twice the rate and do not decay.
        mults = (2, 0) if name.endswith("bias") else (1, 1)
        for place in np.ndindex(tuple(parameter.shape)):
            history = [step[place] for step in gradients[name]]
            expected = slow_sgd(start[name][place].item(), history, *mults)
            assert parameter[place].item() == pytest.approx(expected, rel=1e-12)


def test_rate_drops_in_steps():
    optimiser = CaffeSGD(nn.Linear(1, 1), SOLVER)
    rates = [optimiser.learning_rate(step) for step in (0, 4, 5, 9, 10)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001])


def test_old_rate_lives_on_in_the_velocity():
    """With unit gradients the first move at the new rate is 0.9·(old move) + new rate."""
    layer = nn.Linear(1, 1, bias=False).double()
    optimiser = CaffeSGD(layer, SOLVER.model_copy(update={"weight_decay": 0.0}))
    places = []
    for step in range(7):
        places.append(layer.weight.item())
        layer.weight.grad = torch.ones_like(layer.weight)
        optimiser.step(step)
    moves = -np.diff(places)
    assert moves[4] == pytest.approx(0.1 * (1 - 0.9**5) / 0.1)
    assert moves[5] == pytest.approx(0.9 * moves[4] + 0.01)
