"""SPP-net's feature maps of a picture, one per scale, and what the pyramid finds in them.

Letters: R boxes, S scales, C channels, h × w cells.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from frcn.config import Precision, Scales
from frcn.data.image_transform import normalise_and_resize, scale_factor, to_blob
from frcn.models import networks
from frcn.models.spatial_pyramid import spatial_pyramid
from frcn.models.spp_net import SPPNet
from frcn.models.weights import Preprocessing
from frcn.precision import computing_in
from frcn.systems.spp_net.window_mapping import WindowMapping


class FeatureMaps:
    """Computes maps of pictures and pools boxes from them, with one network at given scales."""

    def __init__(
        self,
        network: SPPNet,
        preprocessing: Preprocessing,
        scales: Scales,
        device: torch.device,
        precision: Precision = "float32",
    ) -> None:
        self._network = network
        self._preprocessing = preprocessing
        self._scales = scales
        self._device = device
        self._precision: Precision = precision
        self.mapping = WindowMapping.of(network)

    def blob(self, image: np.ndarray, scale_index: int) -> Tensor:
        """(1, 3, H', W') network input of an (H, W, 3) uint8 BGR image at a scale."""
        factor = self._factor(image.shape[:2], scale_index)
        mean, std = self._preprocessing.mean, self._preprocessing.std
        return to_blob([normalise_and_resize(image, factor, mean, std)])

    @torch.no_grad()
    def map(self, image: np.ndarray, scale_index: int) -> np.ndarray:
        """(h, w, C) float32 map of an image at a scale."""
        with computing_in(self._precision, self._device):
            found = self._network.feature_map(self.blob(image, scale_index).to(self._device))
        return found[0].permute(1, 2, 0).float().cpu().numpy()

    def map_shape(self, image_size: tuple[int, int], scale_index: int) -> tuple[int, int, int]:
        """(h, w, C) of the map of an (H, W) image at a scale, without computing it."""
        factor = self._factor(image_size, scale_index)
        # As `resized` rounds.
        height, width = (max(1, round(side * factor)) for side in image_size)
        with torch.device("meta"):
            _, channels, h, w = self._meta_trunk(torch.empty(1, 3, height, width)).shape
        return h, w, channels

    @cached_property
    def _meta_trunk(self) -> torch.nn.Module:
        with torch.device("meta"):
            return networks.build(self._network.name).trunk

    def _factor(self, image_size: tuple[int, int], scale_index: int) -> float:
        return scale_factor(
            *image_size, self._scales.short_sides[scale_index], self._scales.max_size
        )

    def windows(
        self,
        boxes: np.ndarray,
        image_size: tuple[int, int],
        scale_index: int,
        map_size: tuple[int, int],
    ) -> np.ndarray:
        """(R, 4) cells of boxes, see :class:`WindowMapping`."""
        short_side = self._scales.short_sides[scale_index]
        return self.mapping.windows(boxes, image_size, short_side, map_size)

    def distinct(self, boxes: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
        """Rows of (R, 4) boxes whose cells, at their best scale, no earlier box has; ascending."""
        best = self.best_scales(boxes, image_size)
        cells = np.zeros((len(boxes), 5), dtype=np.int64)
        for scale_index in np.unique(best):
            rows = best == scale_index
            map_size = self.map_shape(image_size, int(scale_index))[:2]
            cells[rows, 0] = scale_index
            cells[rows, 1:] = self.windows(boxes[rows], image_size, int(scale_index), map_size)
        return np.sort(np.unique(cells, axis=0, return_index=True)[1])

    def best_scales(self, boxes: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
        """(R,) scale of each box, see :class:`WindowMapping`."""
        return self.mapping.best_scales(boxes, image_size, np.array(self._scales.short_sides))

    def cut(
        self,
        feature_map: np.ndarray,
        box: np.ndarray,
        image_size: tuple[int, int],
        scale_index: int,
    ) -> np.ndarray:
        """The (h', w', C) window of a (4,) box of an (H, W) image in its (h, w, C) map."""
        cells = self.windows(box[None], image_size, scale_index, feature_map.shape[:2])
        x1, y1, x2, y2 = cells[0]
        return feature_map[y1 : y2 + 1, x1 : x2 + 1]

    def pool(
        self,
        boxes: np.ndarray,
        image_size: tuple[int, int],
        scale_indices: np.ndarray,
        maps: Callable[[int], Tensor],
    ) -> Tensor:
        """(R, 50·C) pyramid features of (R, 4) boxes, each at its scale.

        ``maps`` gives the (1, C, h, w) map of a scale; only those that are needed are asked for.
        """
        pooled = None
        for scale_index in np.unique(scale_indices):
            rows = np.flatnonzero(scale_indices == scale_index)
            feature_map = maps(int(scale_index))
            cells = self.windows(
                boxes[rows], image_size, int(scale_index), tuple(feature_map.shape[2:])
            )
            windows = torch.from_numpy(np.insert(cells, 0, 0, axis=1)).to(feature_map.device)
            found = spatial_pyramid(feature_map, windows)
            pooled = found.new_empty((len(boxes), found.shape[1])) if pooled is None else pooled
            pooled[torch.from_numpy(rows)] = found
        return pooled


def stacked(windows: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """R windows, each (h, w, C), one below the other on a map of their own: one call pools all.

    Returns:
        The (1, C, Σh, max w) float32 map, and (R, 5) float32 cells of the windows in it, as
        ``spatial_pyramid`` takes them.
    """
    heights = [len(window) for window in windows]
    shape = sum(heights), max(window.shape[1] for window in windows), windows[0].shape[2]
    column = np.empty(shape, dtype=np.float32)
    cells = np.zeros((len(windows), 5), dtype=np.float32)
    for row, (window, end) in enumerate(zip(windows, np.cumsum(heights), strict=True)):
        start = end - len(window)
        column[start:end, : window.shape[1]] = window
        cells[row, 1:] = 0, start, window.shape[1] - 1, end - 1
    return torch.from_numpy(column).permute(2, 0, 1)[None], torch.from_numpy(cells)
