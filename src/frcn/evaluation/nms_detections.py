"""Non-maximum suppression of raw detections, per class and image (FACTS §1.8 step 8)."""

import numpy as np
import pandas as pd

from frcn.nms import batched_nms


def nms_detections(detections: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """The detections that survive NMS within their class and image, in the order of the rows.

    Args:
        detections: columns image_id, class, score, x1, y1, x2, y2 (0-based inclusive).
        threshold: IoU from which on the weaker of two detections goes.
    """
    images, _ = pd.factorize(detections["image_id"])
    classes, names = pd.factorize(detections["class"])
    kept = batched_nms(
        detections[["x1", "y1", "x2", "y2"]].to_numpy(np.float32),
        detections["score"].to_numpy(np.float32),
        images * len(names) + classes,
        threshold,
    )
    return detections.iloc[kept].reset_index(drop=True)
