"""Selective search behind a small interface: a picture in, ranked boxes out.

The engine is OpenCV's. Three of its habits (FACTS §12) are handled here and nowhere else:

* Its order puts the *smallest-scale* groupings first. The order kept is the reverse: groupings
  of the largest scale first, each hierarchy's levels mixed by the random factor of the original
  ranking. The first N then cover more objects.
* That random factor comes from C's ``rand()``, which only libc's ``srand`` can seed.
* An object that is used again can return the boxes of the picture before, so each picture
  gets a new one.
"""

import ctypes
import ctypes.util
from typing import Protocol

import cv2
import numpy as np

from frcn import config
from frcn.artefacts import sha256

LIBC = ctypes.CDLL(ctypes.util.find_library("c"))


class ProposalMethod(Protocol):
    """What proposes boxes: deterministic, and a function of the picture alone."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Propose boxes in an (H, W, 3) uint8 BGR picture.

        Returns (R, 4) int16 ``x1 y1 x2 y2``, 0-based inclusive, no two alike, best first.
        """
        ...


def make_method(proposals: config.Proposals) -> ProposalMethod:
    """The proposal method that a config asks for."""
    return SelectiveSearch(proposals)


class SelectiveSearch:
    """OpenCV's selective search.

    ``base_k`` is the first threshold of the graph segmentation and also the step to the next
    ones: ``fast`` uses k, 2k and 3k, ``quality`` goes on to 5k, ``single`` uses k alone.
    Pictures wider than ``max_width`` are searched at that width and their boxes scaled back, as
    R-CNN's demo does (FACTS §2.1): the search's time grows faster than the number of pixels.
    """

    def __init__(self, proposals: config.Proposals) -> None:
        self._settings = proposals

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """See ``ProposalMethod``."""
        height, width = image.shape[:2]
        scale = min(1.0, (self._settings.max_width or width) / width)
        if scale < 1:
            small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        else:
            small = image
        search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
        search.setBaseImage(small)
        self._switch(search)
        LIBC.srand(self._seed(image))
        found = np.asarray(search.process(), dtype=np.int64).reshape(-1, 4)[::-1]
        edges = np.concatenate([found[:, :2], found[:, :2] + found[:, 2:]], axis=1)
        boxes = np.round(edges / scale).astype(np.int64) - [0, 0, 1, 1]
        return self._select(np.minimum(boxes, [width - 1, height - 1] * 2))

    def _switch(self, search: "cv2.ximgproc.segmentation.SelectiveSearchSegmentation") -> None:
        k, sigma = self._settings.base_k, self._settings.sigma
        if self._settings.mode == "fast":
            search.switchToSelectiveSearchFast(k, k, sigma)
        elif self._settings.mode == "quality":
            search.switchToSelectiveSearchQuality(k, k, sigma)
        else:
            search.switchToSingleStrategy(k, sigma)

    def _seed(self, image: np.ndarray) -> int:
        # From the picture too, so that neither order nor number of pictures matters.
        content = sha256(np.ascontiguousarray(image).tobytes())
        return int(sha256(f"{self._settings.seed}/{content}".encode())[:8], 16)

    def _select(self, boxes: np.ndarray) -> np.ndarray:
        _, first = np.unique(boxes, axis=0, return_index=True)
        boxes = boxes[np.sort(first)]
        sides = boxes[:, 2:] - boxes[:, :2] + 1
        boxes = boxes[(sides >= self._settings.min_side).all(axis=1)]
        return boxes[: self._settings.max_boxes].astype(np.int16)
