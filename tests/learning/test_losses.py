"""Both losses and their gradients against formulas in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from frcn.learning.losses import bbox_loss, classification_loss


def slow_bbox_loss(deltas, labels, targets):
    """The sum over the four columns of each foreground RoI's class, over *all* R RoIs."""
    loss, gradient = 0.0, np.zeros_like(deltas)
    for row, label in enumerate(labels):
        for coordinate in range(4 if label > 0 else 0):
            column = 4 * label + coordinate
            d = deltas[row, column] - targets[row, coordinate]
            loss += 0.5 * d * d if abs(d) < 1 else abs(d) - 0.5
            gradient[row, column] = np.clip(d, -1, 1) / len(labels)
    return loss / len(labels), gradient


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20), st.integers(0, 999))
def test_against_the_formulas(labels, seed):
    rng = np.random.default_rng(seed)
    labels = np.array(labels)
    scores, deltas = rng.normal(0, 3, (len(labels), 4)), rng.normal(0, 1.5, (len(labels), 16))
    targets = rng.normal(0, 1, (len(labels), 4))
    torch_scores = torch.tensor(scores, requires_grad=True)
    torch_deltas = torch.tensor(deltas, requires_grad=True)
    cls = classification_loss(torch_scores, torch.tensor(labels))
    bbox = bbox_loss(
        torch_deltas,
        torch.tensor(labels),
        torch.tensor(targets),
        torch.from_numpy(np.flatnonzero(labels)),
    )
    (cls + bbox).backward()

    probability = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    own = probability[np.arange(len(labels)), labels]
    assert cls.item() == pytest.approx(-np.log(own).sum() / len(labels))
    one_hot = np.eye(4)[labels]
    np.testing.assert_allclose(torch_scores.grad, (probability - one_hot) / len(labels), atol=1e-12)

    expected, gradient = slow_bbox_loss(deltas, labels, targets)
    assert bbox.item() == pytest.approx(expected)
    np.testing.assert_allclose(torch_deltas.grad, gradient, atol=1e-12)


def test_hand_worked_divisor_counts_the_background():
    deltas, targets = torch.zeros(4, 8), torch.zeros(4, 4)
    targets[0] = torch.tensor([0.5, 3.0, 0.0, 0.0])
    # 0.125 + 2.5 for the one foreground RoI, over four RoIs.
    labels, foreground = torch.tensor([1, 0, 0, 0]), torch.tensor([0])
    assert bbox_loss(deltas, labels, targets, foreground).item() == 2.625 / 4


def test_only_background_has_no_box_loss():
    deltas = torch.ones(3, 8, requires_grad=True)
    labels, nothing = torch.zeros(3, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)
    loss = bbox_loss(deltas, labels, torch.zeros(3, 4), nothing)
    loss.backward()
    assert loss.item() == 0
    assert (deltas.grad == 0).all()
