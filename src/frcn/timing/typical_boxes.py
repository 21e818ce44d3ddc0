"""Random boxes that are distributed as selective search's of a VOC picture are."""

import numpy as np

# Fitted to the published lists of pictures 001551 and 000004 (FACTS §5.1): median area 1.2 % of
# the picture, three quarters of the boxes on the largest of five scales, 77 of 100 boxes unique
# on the feature map of a 600-pixel input.
LOG_AREA = (-4.3, 1.5)
"""Mean and deviation of the logarithm of a box's share of the picture."""
SMALLEST_SHARE = 5e-4
LOG_ASPECT_DEVIATION = 1.05
NEAR_DUPLICATES = 0.3
"""Share of boxes that are another one, moved a little: regions nest."""
SHIFT = 1 / 375
"""Deviation of that move per corner, in heights of the picture."""


def typical_boxes(height: int, width: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """(R, 4) int64 boxes of a picture, in random order."""
    originals = round(count * (1 - NEAR_DUPLICATES))
    share = np.exp(rng.normal(*LOG_AREA, originals)).clip(SMALLEST_SHARE, 1)
    aspect = np.exp(rng.normal(0, LOG_ASPECT_DEVIATION, originals))
    area = share * height * width
    box_width = np.minimum(np.sqrt(area * aspect), width)
    box_height = np.minimum(np.sqrt(area / aspect), height)
    left = rng.random(originals) * (width - box_width)
    top = rng.random(originals) * (height - box_height)
    boxes = np.stack([left, top, left + box_width - 1, top + box_height - 1], axis=1)
    copies = boxes[rng.integers(originals, size=count - originals)]
    copies = copies + rng.normal(0, SHIFT * height, copies.shape)
    boxes = np.concatenate([boxes, copies]).round().astype(np.int64)
    boxes[:, :2] = boxes[:, :2].clip(0, [width - 1, height - 1])
    boxes[:, 2:] = boxes[:, 2:].clip(boxes[:, :2], [width - 1, height - 1])
    return rng.permutation(boxes)
