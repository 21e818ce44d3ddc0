"""One ranked list from several: the best of each, then the second best of each, and so on."""

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np


def interleave(lists: Sequence[np.ndarray]) -> np.ndarray:
    """Distinct rows of several (R, 4) lists, taken in turn; a list that is used up is left out."""
    rounds = zip_longest(*([tuple(box) for box in boxes.tolist()] for boxes in lists))
    distinct = dict.fromkeys(box for taken in rounds for box in taken if box is not None)
    return np.array(list(distinct), dtype=lists[0].dtype).reshape(-1, 4)
