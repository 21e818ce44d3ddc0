"""The examples of SVMs on disk, so that their number costs no memory."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from frcn.artefacts import refusals_told


class ExampleStore:
    """Rows of D float32 features, numbered from 0 in the order in which they came.

    They lie in a file without a name in ``folder``, which the system removes with the process.
    It is read row by row: what a memory map touches would count as memory of the process.
    """

    def __init__(self, folder: Path, dimension: int) -> None:
        self._folder = folder
        with refusals_told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        self.dimension = dimension
        self._row_bytes = 4 * dimension
        self._count = 0

    def add(self, rows: np.ndarray) -> np.ndarray:
        """Keep (n, D) float32 rows; returns their (n,) int64 numbers.

        Raises:
            UserError: the disk is full.
        """
        numbers = np.arange(self._count, self._count + len(rows))
        for number, row in zip(numbers, rows, strict=True):
            self._write(row.tobytes(), int(number) * self._row_bytes)
        self._count += len(rows)
        return numbers

    def _write(self, data: bytes, start: int) -> None:
        # On a disk that is getting full a write may end early; only the next one is refused.
        with refusals_told(self._folder):
            while data:
                written = os.pwrite(self._file.fileno(), data, start)
                data, start = data[written:], start + written

    def read(self, numbers: Sequence[int]) -> np.ndarray:
        """The (n, D) rows of some numbers, float64, the type in which liblinear computes."""
        rows = np.empty((len(numbers), self.dimension))
        for row, number in zip(rows, numbers, strict=True):
            start = int(number) * self._row_bytes
            row[:] = np.frombuffer(os.pread(self._file.fileno(), self._row_bytes, start), "f4")
        return rows
