"""EdgeBoxes: boxes ranked by how many contours they hold whole (Zitnick & Dollár, ECCV 2014).

The search is OpenCV's, with its defaults. Three of its habits are handled here and nowhere else:

* A box ``x y w h`` has its first corner counted from 1, and its last is ``w`` and ``h`` from
  the first and inclusive: the whole of a picture 40 pixels wide has x = 1 and w = 39.
* An object that is used again still has the contours of the picture before, so each picture
  gets a new one.
* Windows of about a pixel score "not a number", which spoils the order of all boxes.
"""

import cv2
import numpy as np

from frcn.proposals.edge_maps import (
    EdgeMap,
    boundary_edges,
    gradient_edges,
    structured_forest_edges,
)

SMALLEST_AREA = 16
"""px²; from here on no window has a score that is not a number."""


def edge_boxes(
    image: np.ndarray, edges: str, model: str | None, max_boxes: int, min_area: float
) -> np.ndarray:
    """Boxes in an (H, W, 3) uint8 BGR picture.

    Args:
        image: the picture.
        edges: ``gradient``, ``boundaries`` or ``structured_forests``.
        model: the file of Structured Forests, None for the other edges.
        max_boxes: how many boxes at most.
        min_area: px²; of the windows that the search begins with, at least ``SMALLEST_AREA``. A
            window that is moved to its best place, or cut at the picture's border, may end
            smaller.

    Returns (R, 4) int64 ``x1 y1 x2 y2``, 0-based inclusive, inside the picture, best first.

    Raises:
        UserError: ``model`` is missing or no model file.
    """
    search = cv2.ximgproc.createEdgeBoxes()
    search.setMaxBoxes(max_boxes)
    search.setMinBoxArea(max(min_area, SMALLEST_AREA))
    found, _ = search.getBoundingBoxes(*_edge_map(image, edges, model))
    found = np.asarray(found, dtype=np.int64).reshape(-1, 4)
    first = found[:, :2] - 1
    return np.concatenate([first, first + found[:, 2:]], axis=1)


def _edge_map(image: np.ndarray, edges: str, model: str | None) -> EdgeMap:
    if edges == "structured_forests":
        return structured_forest_edges(image, model)
    return {"gradient": gradient_edges, "boundaries": boundary_edges}[edges](image)
