"""The proposals that a cell uses: those of its stored list, and dense boxes where it says so."""

from pathlib import Path
from typing import Protocol

import numpy as np

from frcn.config import Cell, DenseBoxes
from frcn.data.voc import VOCDataset
from frcn.proposals.dense import DenseSampler
from frcn.proposals.store import ProposalStore


class ProposalSource(Protocol):
    """Ranked boxes of every image of a split.

    ``digest`` tells them from others, together with the config of the cell.
    """

    digest: str

    def boxes(self, i: int, count: int | None = None) -> np.ndarray:
        """Those of image ``i``, from its first ``count`` (default: all) proposals.

        (R, 4) float32 ``x1 y1 x2 y2``, 0-based inclusive, best first.
        """
        ...


class WithDenseBoxes:
    """A source whose boxes dense ones join or replace; ``count`` counts the source's own."""

    def __init__(self, source: ProposalSource, dataset: VOCDataset, dense: DenseBoxes) -> None:
        self.digest = source.digest
        self._source = source
        self._dataset = dataset
        self._sampler = DenseSampler(dense)

    def boxes(self, i: int, count: int | None = None) -> np.ndarray:
        """See ``ProposalSource``."""
        proposals = self._source.boxes(i, count)
        return self._sampler.boxes(proposals, self._dataset.size(i), self._dataset.image_hash(i))


def open_proposals(cell: Cell, dataset: VOCDataset, path_npy: Path) -> ProposalSource:
    """The proposals of a cell in the images of ``dataset``, from the store at ``path_npy``.

    Raises:
        UserError: the store is missing, damaged, or not that of the cell and data set.
    """
    store = ProposalStore.open(path_npy, dataset, cell.proposals)
    return WithDenseBoxes(store, dataset, cell.dense) if cell.dense else store
