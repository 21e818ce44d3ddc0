"""Which detections of a whole test set are kept, before NMS (FACTS §1.8 steps 6–7)."""

import heapq

import numpy as np


class RunningThreshold:
    """Keeps about the best ``capacity`` scores of one class over all images seen so far.

    ``value`` starts at −∞ and becomes the ``capacity``-th best score once more were pushed.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._heap: list[float] = []
        self.value = -np.inf

    def keep(self, scores: np.ndarray, max_per_image: int) -> np.ndarray:
        """Indices of an image's (R,) scores to keep, best first; they are pushed.

        Those above the threshold, at most ``max_per_image``.
        """
        above = np.flatnonzero(scores > self.value)
        kept = above[np.argsort(-scores[above], kind="stable")[:max_per_image]]
        for score in scores[kept]:
            heapq.heappush(self._heap, float(score))
        if len(self._heap) > self._capacity:
            while len(self._heap) > self._capacity:
                heapq.heappop(self._heap)
            self.value = self._heap[0]
        return kept
