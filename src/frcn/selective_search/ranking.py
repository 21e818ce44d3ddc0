"""From the hierarchies' boxes to one list: random rank, or the order of the raster.

Letters: R boxes, M regions of a hierarchy.
Source: Uijlings et al., IJCV 2013, §4.2.
"""

from collections.abc import Sequence

import numpy as np


def random_rank(hierarchies: Sequence[np.ndarray], seed: int) -> np.ndarray:
    """The (M, 4) boxes of all hierarchies in one (R, 4) array, best first.

    The box made last in a hierarchy has position 1, the one before position 2, and so on;
    boxes are ordered by their position times a random number in [0, 1). Without the random
    number, large boxes would stand too far in front.
    """
    positions = np.concatenate([np.arange(len(boxes), 0, -1) for boxes in hierarchies])
    priorities = positions * np.random.default_rng(seed).random(len(positions))
    return np.concatenate(hierarchies)[np.argsort(priorities, kind="stable")]


def raster_order(boxes: np.ndarray) -> np.ndarray:
    """(R, 4) boxes ordered by (y1, x1, y2, x2)."""
    return boxes[np.lexsort(boxes.T[[2, 3, 0, 1]])]
