"""The detections of a cell that are shown: equally many of every cell, whatever its scores mean.

Scores of a softmax are probabilities and those of SVMs distances, so one threshold would show
thousands of detections of one cell and few of another. The cell that chooses the pictures shows
those with a score of at least 0.5; every other cell its best ones, as many over the whole test
split.
"""

import pandas as pd

from frcn.evaluation.nms_detections import nms_detections
from frcn.report.cells import CellRuns

MIN_SCORE = 0.5
RAW_PER_KEPT = 8
"""So many raw detections are tried first for each that is to be left; NMS takes most of them."""


def confident(cell: CellRuns, count: int | None = None) -> pd.DataFrame | None:
    """Detections of a cell's first run that survive NMS, as :func:`nms_detections` gives them.

    Args:
        cell: whose detections.
        count: so many with the highest scores; by default those that score ``MIN_SCORE``.

    Returns:
        None where the cell was not run or its detections were not kept.
    """
    path = cell.runs[0].detect_folder / "detections.parquet" if cell.runs else None
    if path is None or not path.exists():
        return None
    detections = pd.read_parquet(path)
    if count is None:
        detections = detections[detections["score"] >= MIN_SCORE]
        return nms_detections(detections, cell.config.score.nms)
    ranked = detections.sort_values("score", ascending=False, kind="stable")
    # NMS judges a detection by stronger ones alone, so what is left of the strongest is final.
    size = RAW_PER_KEPT * count
    kept = nms_detections(ranked.head(size), cell.config.score.nms)
    while len(kept) < count and size < len(ranked):
        size *= 2
        kept = nms_detections(ranked.head(size), cell.config.score.nms)
    return kept.head(count)
