"""From boxes to windows of a feature map: which scale, which cells (FACTS §3.3).

Letters: R boxes, S scales.
"""

from dataclasses import dataclass

import numpy as np

from frcn import boxes as box_ops
from frcn.models.region_net import RegionNet

OFFSET = 6.5 / 16
"""By how much windows shrink, in strides: SPP-net's 6.5 pixels of 16."""


@dataclass(frozen=True)
class WindowMapping:
    """The geometry of a network's feature map.

    Attributes:
        stride: pixels per cell.
        first_centre: centre of the first cell, 1-based pixels.
        offset: pixels by which windows shrink before they are rounded to cells.
        side: short side that a window of the size of a pre-training picture has there: cells of
            the map × stride.
    """

    stride: int
    first_centre: float
    offset: float
    side: int

    @classmethod
    def of(cls, network: RegionNet) -> "WindowMapping":
        """That of one of our networks: SPP-net's own rule in proportion to the stride."""
        return cls(
            network.stride,
            network.first_centre,
            OFFSET * network.stride,
            network.pretrained_cells * network.stride,
        )

    def best_scales(
        self, boxes: np.ndarray, image_size: tuple[int, int], short_sides: np.ndarray
    ) -> np.ndarray:
        """(R,) index of the scale that brings each box closest to the pre-training size.

        The short side at which the box's area is ``side``², rounded; the nearest of the (S,)
        short sides, the first in a tie.
        """
        wanted = np.floor(self.side * min(image_size) / np.sqrt(box_ops.areas(boxes)) + 0.5)
        return np.abs(wanted[:, None] - np.asarray(short_sides)).argmin(axis=1)

    def windows(
        self,
        boxes: np.ndarray,
        image_size: tuple[int, int],
        short_side: int,
        map_size: tuple[int, int],
    ) -> np.ndarray:
        """(R, 4) int64 ``x1 y1 x2 y2`` cells, 0-based inclusive, of boxes in an (H, W) image.

        The image is shown with a short side of ``short_side``; its map has (h, w) cells.
        """
        # 1-based here, as the rule is.
        ratio = (short_side - 1) / (min(image_size) - 1)
        scaled = np.asarray(boxes, dtype=np.float64) * ratio + 1
        from_centre = scaled - self.first_centre
        lower = np.floor((from_centre[:, :2] + self.offset) / self.stride + 0.5) + 1
        upper = np.ceil((from_centre[:, 2:] - self.offset) / self.stride - 0.5) + 1
        middle = np.floor((lower + upper) / 2)
        empty = lower > upper
        cells = np.concatenate(
            [np.where(empty, middle, lower), np.where(empty, middle, upper)], axis=1
        )
        height, width = map_size
        return np.clip(cells, 1, [width, height] * 2).astype(np.int64) - 1
