"""OpenCV's selective search, to compare with.

Three of its habits (FACTS §12) are handled here and nowhere else:

* Its order puts the *smallest-scale* groupings first. The order kept is the reverse: groupings
  of the largest scale first, each hierarchy's levels mixed by the random factor of the original
  ranking. The first N then cover more objects.
* That random factor comes from C's ``rand()``, which only libc's ``srand`` can seed.
* An object that is used again can return the boxes of the picture before, so each picture
  gets a new one.
"""

import ctypes
import ctypes.util

import cv2
import numpy as np

LIBC = ctypes.CDLL(ctypes.util.find_library("c"))


def opencv_selective_search(
    image: np.ndarray, mode: str, base_k: int, sigma: float, seed: int
) -> np.ndarray:
    """Boxes in an (H, W, 3) uint8 BGR picture: (R, 4) int64 ``x1 y1 x2 y2``, best first.

    ``base_k`` is the first threshold of the graph segmentation and also the step to the next
    ones: ``fast`` uses k, 2k and 3k, ``quality`` goes on to 5k, ``single`` uses k alone.
    """
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(image)
    if mode == "fast":
        search.switchToSelectiveSearchFast(base_k, base_k, sigma)
    elif mode == "quality":
        search.switchToSelectiveSearchQuality(base_k, base_k, sigma)
    else:
        search.switchToSingleStrategy(base_k, sigma)
    LIBC.srand(seed)
    found = np.asarray(search.process(), dtype=np.int64).reshape(-1, 4)[::-1]
    return np.concatenate([found[:, :2], found[:, :2] + found[:, 2:] - 1], axis=1)
