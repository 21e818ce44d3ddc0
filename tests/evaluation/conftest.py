"""Data sets in memory and detections as tables, for the tests of the evaluation."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from frcn.data.voc import Annotation

COLUMNS = ["image_id", "class", "score", "x1", "y1", "x2", "y2"]


class MemoryDataset:
    """What the evaluation uses of a VOCDataset: {id: [(class, box, difficult), …]}."""

    root = Path("memory")
    image_set = "test"

    def __init__(self, classes, objects):
        self.classes = tuple(classes)
        self.ids = list(objects)
        self._objects = objects

    def __len__(self):
        return len(self.ids)

    def annotation(self, i):
        objects = self._objects[self.ids[i]]
        return Annotation(
            boxes=np.array([box for _, box, _ in objects], dtype=np.float32).reshape(-1, 4),
            labels=np.array([self.classes.index(name) + 1 for name, _, _ in objects], np.int64),
            difficult=np.array([difficult for *_, difficult in objects], dtype=bool),
            truncated=np.zeros(len(objects), dtype=bool),
        )


@pytest.fixture(scope="session")
def make_dataset():
    return MemoryDataset


@pytest.fixture(scope="session")
def make_detections():
    def make(*rows):
        table = pd.DataFrame(
            [(image_id, name, score, *box) for image_id, name, score, box in rows], columns=COLUMNS
        )
        types = dict.fromkeys(COLUMNS[2:], np.float32)
        return table.astype({"image_id": "str", "class": "str", **types})

    return make
