"""A proposal method behind one small interface: a picture in, ranked boxes out."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Protocol

import cv2
import numpy as np

from frcn import config
from frcn.artefacts import sha256
from frcn.boxes import sides_at_least, without_duplicates
from frcn.data.resize import resized
from frcn.proposals.edge_boxes import edge_boxes
from frcn.proposals.interleave import interleave
from frcn.proposals.opencv_selective_search import opencv_selective_search
from frcn.selective_search import PRESETS, selective_search


class ProposalMethod(Protocol):
    """What proposes boxes: deterministic, and a function of the picture alone."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Propose boxes in an (H, W, 3) uint8 BGR picture.

        Returns (R, 4) int16 ``x1 y1 x2 y2``, 0-based inclusive, no two alike, best first.
        """
        ...


def make_method(proposals: config.Proposals) -> ProposalMethod:
    """The proposal method that a config asks for; imported boxes have none."""
    if proposals.method == "interleaved":
        parts = [make_method(part) for part in proposals.parts]
        return lambda image: interleave([part(image) for part in parts])[: proposals.max_boxes]
    search = partial(SEARCHES[proposals.method], proposals)
    return lambda image: searched_at_width(image, proposals.max_width, search)[
        : proposals.max_boxes
    ]


def searched_at_width(
    image: np.ndarray, max_width: int | None, search: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Boxes that ``search`` finds in a picture no wider than ``max_width``, scaled back.

    R-CNN's demo does this (FACTS §2.1): a search's time grows with the number of pixels.
    (R, 4) int16, distinct and inside the picture.
    """
    height, width = image.shape[:2]
    scale = min(1.0, (max_width or width) / width)
    if scale < 1:
        image = resized(image, scale, cv2.INTER_AREA)
    # Inclusive corners become edges and back: a box of all pixels stays one.
    far = np.array([0, 0, 1, 1])
    boxes = np.round((search(image).astype(np.int64) + far) / scale).astype(np.int64) - far
    boxes = np.clip(boxes, 0, [width - 1, height - 1] * 2)
    return without_duplicates(boxes).astype(np.int16)


def picture_seed(image: np.ndarray, seed: int) -> int:
    """A seed of 31 bits from the picture too: neither order nor number of pictures matters."""
    content = sha256(np.ascontiguousarray(image).tobytes())
    return int(sha256(f"{seed}/{content}".encode())[:8], 16) >> 1


def _selective_search(settings: config.SelectiveSearch, image: np.ndarray) -> np.ndarray:
    changes = {
        "k": settings.k and tuple(settings.k),
        "min_side": settings.min_side,
        "order": settings.order,
    }
    preset = replace(
        PRESETS[settings.preset], **{key: value for key, value in changes.items() if value}
    )
    return selective_search(image, preset, picture_seed(image, settings.seed))


def _opencv_selective_search(
    settings: config.OpenCVSelectiveSearch, image: np.ndarray
) -> np.ndarray:
    seed = picture_seed(image, settings.seed)
    boxes = opencv_selective_search(image, settings.mode, settings.base_k, settings.sigma, seed)
    return boxes[sides_at_least(boxes, settings.min_side or 1)]


def _edge_boxes(settings: config.EdgeBoxes, image: np.ndarray) -> np.ndarray:
    return edge_boxes(image, settings.edges, settings.model, settings.max_boxes, settings.min_area)


SEARCHES: dict[str, Callable[..., np.ndarray]] = {
    "selective_search": _selective_search,
    "opencv_selective_search": _opencv_selective_search,
    "edge_boxes": _edge_boxes,
}
