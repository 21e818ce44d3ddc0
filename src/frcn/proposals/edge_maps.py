"""Edge maps for EdgeBoxes: how strong the edge is at each pixel, and which way it faces.

EdgeBoxes groups chains of edge pixels, so the maps are thinned: without that a picture takes
most of a minute (FACTS §12). The published method uses Structured Forests (Dollár & Zitnick, ICCV
2013), whose trained model is a download of its own; two maps that need none stand beside it. Their
constants were chosen on the train split of BCCD.

Letters: H × W pixels, C channels.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from scipy.ndimage import map_coordinates

from frcn.errors import UserError
from frcn.selective_search.colour_spaces import lab, rgi
from frcn.selective_search.graph import bucketed_edges
from frcn.selective_search.segmentation import segment
from frcn.selective_search.smoothing import smooth

GRADIENT_SIGMA = 2.5
"""Pixels by which the picture is blurred before the gradient is taken."""
LOCAL_SIGMA = 10.0
"""Pixels around an edge whose mean gradient it is compared with."""
NOISE_FLOOR = 2.0
"""Grey levels a pixel: gradients much below this are noise wherever they stand. Without it every
flat area has edges, which costs time and puts good boxes further down the list."""
FULL_STRENGTH = 3.0
"""How many times local mean and noise floor together make an edge of strength 1."""
SEGMENTATION_SIGMA = 0.8
"""Pixels; that of selective search."""
SEGMENTATION_KS = (50, 100, 200, 400)
"""Thresholds of the segmentations; each is also the smallest size of its regions, in pixels."""
BOUNDARY_SIGMA = 1.0
"""Pixels by which boundaries are blurred, so that those of several segmentations meet."""
ORIENTATION_SIGMA = 1.5
"""Pixels around a boundary that decide which way it faces."""
MODEL_REMEDY = (
    "Fetch testdata/cv/ximgproc/model.yml.gz from OpenCV's repository opencv_extra, and give its "
    "path as `model`."
)


class EdgeMap(NamedTuple):
    """What EdgeBoxes takes.

    Attributes:
        strength: (H, W) float32 in 0 … 1, 0 off the thinned edges.
        orientation: (H, W) float32 in 0 … π: the direction *across* the edge, 0 along x and
            π/2 along y.
    """

    strength: np.ndarray
    orientation: np.ndarray


def gradient_edges(image: np.ndarray) -> EdgeMap:
    """Edges of an (H, W, 3) uint8 BGR picture where its colour changes more than round about."""
    strength, orientation = _gradient(image)
    return EdgeMap(thin(strength, orientation), orientation)


def boundary_edges(image: np.ndarray) -> EdgeMap:
    """Edges of an (H, W, 3) uint8 BGR picture where regions and colours part.

    The strength is the mean of the gradient's and of the share of graph-based segmentations that
    have a boundary there.
    """
    boundaries = smooth(_boundary_share(image), BOUNDARY_SIGMA)
    strength = (boundaries + _gradient(image)[0]) / 2
    # A ridge's two slopes face opposite ways, which is one orientation.
    orientation = _orientation(smooth(_structure_tensor(strength[..., None]), ORIENTATION_SIGMA))
    return EdgeMap(thin(strength, orientation), orientation)


def structured_forest_edges(image: np.ndarray, model: str) -> EdgeMap:
    """Edges of an (H, W, 3) uint8 BGR picture by OpenCV's Structured Forests.

    Only the refusal of bad files is tested, since no model file comes with this project.

    Raises:
        UserError: ``model`` is missing or no model file.
    """
    forest = _structured_forest(model)
    strength = forest.detectEdges(image[..., ::-1].astype(np.float32) / 255)
    orientation = forest.computeOrientation(strength)
    return EdgeMap(forest.edgesNms(strength, orientation), orientation)


@cache
def _structured_forest(model: str) -> cv2.ximgproc.StructuredEdgeDetection:
    """The detector of a model file, which takes seconds to load."""
    if not Path(model).is_file():
        raise UserError(f"{model}: not found; wanted a Structured Forests model. {MODEL_REMEDY}")
    try:
        # A node is read from the storage, which must live as long.
        storage = cv2.FileStorage(model, cv2.FILE_STORAGE_READ)
        options = storage.getNode("options")
        # OpenCV divides by this number: without it the whole process would end.
        has_trees = options.isMap() and options.getNode("numberOfTrees").real() > 0
    except (cv2.error, SystemError):
        has_trees = False
    if not has_trees:
        raise UserError(
            f"{model}: has no forest that OpenCV can read; wanted a Structured Forests model. "
            f"{MODEL_REMEDY}"
        )
    return cv2.ximgproc.createStructuredEdgeDetection(model)


def thin(strength: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """Non-maximum suppression: 0 where an edge is stronger one pixel ahead or behind.

    Takes and returns (H, W) float32 strengths. What lies between pixels is interpolated; equals
    both stay, so a line may be two pixels wide.
    """
    y, x = np.indices(strength.shape)
    across_y, across_x = np.sin(orientation), np.cos(orientation)
    strongest = strength.copy()
    for step in (-1, 1):
        places = [y + step * across_y, x + step * across_x]
        beside = map_coordinates(strength, places, order=1, mode="nearest")
        np.maximum(strongest, beside, out=strongest)
    return np.where(strength == strongest, strength, np.float32(0))


def _gradient(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strength, not thinned, and orientation of the Lab gradient."""
    tensor = _structure_tensor(smooth(lab(image), GRADIENT_SIGMA))
    xx, xy, yy = np.moveaxis(tensor, 2, 0)
    # The tensor's larger eigenvalue: the squared change along the direction of most change.
    magnitude = np.sqrt((xx + yy + np.hypot(xx - yy, 2 * xy)) / 2)
    usual = smooth(magnitude, LOCAL_SIGMA) + np.float32(NOISE_FLOOR)
    strength = np.minimum(magnitude / (np.float32(FULL_STRENGTH) * usual), 1)
    return strength, _orientation(tensor)


def _boundary_share(image: np.ndarray) -> np.ndarray:
    """(H, W) float32: in how many of all segmentations a pixel touches another region."""
    height, width = image.shape[:2]
    maps = []
    for colours in (lab(image), rgi(image)):
        edges = bucketed_edges(smooth(colours, SEGMENTATION_SIGMA))
        for k in SEGMENTATION_KS:
            labels, _ = segment(edges, height, width, k, min_size=k)
            maps.append(_boundaries(labels))
    return np.mean(maps, axis=0, dtype=np.float32)


def _boundaries(labels: np.ndarray) -> np.ndarray:
    """(H, W) bool: pixels with another label to the left, right, above or below."""
    boundary = np.zeros(labels.shape, dtype=bool)
    beside = labels[:, 1:] != labels[:, :-1]
    below = labels[1:] != labels[:-1]
    boundary[:, 1:] |= beside
    boundary[:, :-1] |= beside
    boundary[1:] |= below
    boundary[:-1] |= below
    return boundary


def _structure_tensor(channels: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32: gx², gx·gy and gy² summed over an (H, W, C) image's channels."""
    # A thirty-second of Scharr's filter is the change per pixel.
    gx, gy = (
        cv2.Scharr(
            channels, cv2.CV_32F, dx, 1 - dx, scale=1 / 32, borderType=cv2.BORDER_REPLICATE
        ).reshape(channels.shape)
        for dx in (1, 0)
    )
    return np.stack([(a * b).sum(axis=2) for a, b in ((gx, gx), (gx, gy), (gy, gy))], axis=2)


def _orientation(tensor: np.ndarray) -> np.ndarray:
    """(H, W) float32 direction of most change, in 0 … π, of a structure tensor."""
    xx, xy, yy = np.moveaxis(tensor, 2, 0)
    return np.mod(np.arctan2(2 * xy, xx - yy) / 2, np.float32(np.pi))
