"""The detections of a whole test split, before NMS (FACTS §1.8 steps 6–7)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from frcn.systems.running_threshold import RunningThreshold


class DetectionCollector:
    """Keeps, class by class, what counts of each image's scores and boxes.

    At most ``max_per_image`` of a class in an image, and only scores above the class's running
    threshold of ``average_per_image`` × ``n_images``.

    Letters: R boxes of one image, K classes without background.
    """

    def __init__(
        self, classes: Sequence[str], n_images: int, max_per_image: int, average_per_image: int
    ) -> None:
        self._classes = classes
        self._max_per_image = max_per_image
        self._thresholds = [RunningThreshold(average_per_image * n_images) for _ in classes]
        self._images: list[str] = []
        self._labels: list[np.ndarray] = []
        # One row a detection: score, x1, y1, x2, y2.
        self._rows: list[np.ndarray] = []

    def add(self, image_id: str, scores: np.ndarray, boxes: np.ndarray) -> None:
        """Take (R, K+1) scores and (R, 4·(K+1)) boxes of an image; column 0 is background."""
        for label, threshold in enumerate(self._thresholds, start=1):
            kept = threshold.keep(scores[:, label], self._max_per_image)
            corners = boxes[kept, 4 * label : 4 * label + 4]
            self._rows.append(np.column_stack([scores[kept, label], corners]))
            self._labels.append(np.full(len(kept), label))
            self._images += [image_id] * len(kept)

    def table(self) -> pd.DataFrame:
        """Those above the final thresholds, with the columns of ``detections.parquet``."""
        rows = np.concatenate([np.zeros((0, 5)), *self._rows])
        labels = np.concatenate([np.zeros(0, dtype=np.int64), *self._labels])
        final = np.array([threshold.value for threshold in self._thresholds])
        above = rows[:, 0] > final[labels - 1]
        names = np.array(self._classes)[labels[above] - 1]
        columns = {
            "image_id": pd.array(np.array(self._images, dtype=object)[above], dtype="str"),
            "class": pd.array(names, dtype="str"),
        }
        numbers = rows[above].T.astype(np.float32)
        return pd.DataFrame(
            columns | dict(zip(("score", "x1", "y1", "x2", "y2"), numbers, strict=True))
        )
