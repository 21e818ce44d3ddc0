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
            self._append(image_id, label, np.column_stack([scores[kept, label], corners]))

    def kept_since(self, images: int) -> dict[str, np.ndarray]:
        """What was kept of the images after the first so many, as ``restore`` takes it."""
        rows = self._rows[images * len(self._classes) :]
        return {"counts": np.array([len(r) for r in rows]), "rows": np.concatenate(rows)}

    def restore(self, image_ids: Sequence[str], counts: np.ndarray, rows: np.ndarray) -> None:
        """Take what an equal collector kept of the images that come next.

        Args:
            image_ids: of these images.
            counts: detections of each image and class, (images · K,), classes fastest.
            rows: all of them, (Σ counts, 5).
        """
        for number, kept in enumerate(np.split(rows, np.cumsum(counts)[:-1])):
            image, label = divmod(number, len(self._classes))
            # Thresholds follow from the scores that were kept: no others were pushed.
            self._thresholds[label].keep(kept[:, 0], self._max_per_image)
            self._append(image_ids[image], label + 1, kept)

    def _append(self, image_id: str, label: int, rows: np.ndarray) -> None:
        self._rows.append(rows)
        self._labels.append(np.full(len(rows), label))
        self._images += [image_id] * len(rows)

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
