"""Dense boxes: the sliding windows of a picture, as a function of its size (paper §5.5).

The paper says no more of them than that they are rich in scale, position and aspect ratio
(FACTS §6.2, §11); the grid is ours. Letters: D windows, R boxes.
"""

import numba
import numpy as np

from frcn.artefacts import sha256
from frcn.boxes import areas, without_duplicates
from frcn.config import DenseBoxes

OCTAVE_STEPS = 2
"""Sides grow by a factor of √2 from one scale to the next."""


def dense_windows(
    height: int, width: int, smallest: int, aspect_ratios: list[float], stride: float
) -> np.ndarray:
    """All windows of a picture: (D, 4) int16 ``x1 y1 x2 y2``, 0-based inclusive, distinct.

    Args:
        height, width: of the picture, in pixels.
        smallest: square root of the smallest windows' area, in pixels.
        aspect_ratios: height over width.
        stride: from one window to the next, as a share of the window's side.

    Smallest windows first; of one shape in raster order. A shape that fits nowhere has none.
    """
    shapes = []
    scale = float(smallest)
    while scale <= max(height, width):
        shapes += [(scale * ratio**0.5, scale / ratio**0.5) for ratio in aspect_ratios]
        scale *= 2 ** (1 / OCTAVE_STEPS)
    grids = [_grid(height, width, *shape, stride) for shape in shapes]
    return without_duplicates(np.concatenate([np.zeros((0, 4), dtype=np.int16), *grids]))


def _grid(
    height: int, width: int, window_height: float, window_width: float, stride: float
) -> np.ndarray:
    """Windows of one shape, evenly spread from border to border."""
    tall, wide = max(1, round(window_height)), max(1, round(window_width))
    if tall > height or wide > width:
        return np.zeros((0, 4), dtype=np.int16)
    tops = _starts(height - tall, stride * tall)
    lefts = _starts(width - wide, stride * wide)
    y1, x1 = (axis.ravel() for axis in np.meshgrid(tops, lefts, indexing="ij"))
    return np.stack([x1, y1, x1 + wide - 1, y1 + tall - 1], axis=1).astype(np.int16)


def _starts(room: int, step: float) -> np.ndarray:
    """Whole pixels from 0 to ``room``, both included, at most about ``step`` apart."""
    return np.round(np.linspace(0, room, int(np.ceil(room / step)) + 1)).astype(int)


class DenseSampler:
    """The windows that a cell asks for, picture by picture."""

    def __init__(self, settings: DenseBoxes) -> None:
        self._settings = settings
        self._grids: dict[tuple[int, int], np.ndarray] = {}

    def boxes(self, proposals: np.ndarray, size: tuple[int, int], picture: str) -> np.ndarray:
        """What becomes of (R, 4) ``proposals`` in a picture of ``size`` (H, W): (·, 4) float32.

        ``picture`` is anything that tells it from others, such as its hash; it decides, with
        the seed, which windows are sampled.
        """
        grid = self._grid(size)
        if self._settings.use == "nearest":
            return nearest_windows(proposals, grid)
        name = f"{self._settings.seed}/{picture}"
        generator = np.random.default_rng(int(sha256(name.encode())[:16], 16))
        order = generator.permutation(len(grid))[: self._settings.count]
        sample = grid[order].astype(np.float32)
        if self._settings.use == "alone":
            return sample
        return np.concatenate([proposals, sample])

    def _grid(self, size: tuple[int, int]) -> np.ndarray:
        if size not in self._grids:
            settings = self._settings
            self._grids[size] = dense_windows(
                *size, settings.smallest, settings.aspect_ratios, settings.stride
            )
        return self._grids[size]


def nearest_windows(proposals: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """Each of (R, 4) proposals replaced by the window of highest IoU: (·, 4) float32, distinct.

    The order is that of the proposals; without any window there is no box.
    """
    if not len(windows) or not len(proposals):
        return np.zeros((0, 4), dtype=np.float32)
    pairs = proposals.astype(np.float64), windows.astype(np.float64)
    nearest = _most_overlapping(*pairs, *map(areas, pairs))
    return windows[list(dict.fromkeys(nearest.tolist()))].astype(np.float32)


@numba.njit(cache=True)
def _most_overlapping(
    boxes: np.ndarray, others: np.ndarray, box_areas: np.ndarray, other_areas: np.ndarray
) -> np.ndarray:
    """(R,) the first of (D, 4) others that has the highest IoU with each of (R, 4) boxes.

    The same as ``iou(boxes, others).argmax(axis=1)``: VOC07's pictures have some 70,000 windows.
    """
    best = np.zeros(len(boxes), dtype=np.int64)
    for i in range(len(boxes)):
        x1, y1, x2, y2 = boxes[i]
        highest = 0.0
        for j in range(len(others)):
            width = min(x2, others[j, 2]) - max(x1, others[j, 0]) + 1
            height = min(y2, others[j, 3]) - max(y1, others[j, 1]) + 1
            if width > 0 and height > 0:
                shared = width * height
                overlap = shared / (box_areas[i] + other_areas[j] - shared)
                if overlap > highest:
                    best[i], highest = j, overlap
    return best
