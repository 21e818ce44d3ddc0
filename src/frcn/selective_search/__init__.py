"""Selective search: object proposals from hierarchical grouping of regions.

    from frcn.selective_search import selective_search
    boxes = selective_search(cv2.imread("picture.jpg"))   # (R, 4) x1 y1 x2 y2, best first

It needs NumPy, Numba and OpenCV, and of this project `frcn.boxes` and `frcn.errors`.
"""

from pathlib import Path

from frcn.selective_search.compiled import discard_stale_code

# Before the imports below load what is compiled.
discard_stale_code(Path(__file__).parent)

from frcn.selective_search.presets import PRESETS, Preset  # noqa: E402
from frcn.selective_search.search import selective_search  # noqa: E402

__all__ = ["PRESETS", "Preset", "selective_search"]
