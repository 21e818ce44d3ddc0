"""The multi-task loss with the original's divisors (paper §2.3; FACTS §1.5)."""

from torch import Tensor
from torch.nn import functional


def classification_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Log loss of (R, K+1) scores for (R,) labels, summed and divided by R."""
    return functional.cross_entropy(scores, labels)


def bbox_loss(deltas: Tensor, labels: Tensor, targets: Tensor, foreground: Tensor) -> Tensor:
    """Smooth L1 of the deltas of each foreground RoI's own class, summed and divided by R.

    Args:
        deltas: (R, 4·(K+1)) class-major.
        labels: (R,) int64, 0 for background.
        targets: (R, 4) normalised targets.
        foreground: (F,) int64, the RoIs whose label is not 0, ascending.

    The divisor counts the background RoIs too: that is the original's, and it fixes how much
    the task weighs.
    """
    predicted = deltas.view(len(deltas), -1, 4)[foreground, labels[foreground]]
    loss = functional.smooth_l1_loss(predicted, targets[foreground], reduction="sum", beta=1.0)
    return loss / len(labels)
