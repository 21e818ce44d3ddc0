"""A sheet of small pictures with their boxes and class names, to see a data set at a glance."""

from collections.abc import Sequence

import cv2
import numpy as np

from frcn.data.voc import Annotation, VOCDataset

GAP = 4
"""White pixels between the pictures."""
WHITE = (255, 255, 255)
GREY = (150, 150, 150)
FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_SCALE = 0.36
LABEL_HEIGHT = 11


def contact_sheet(dataset: VOCDataset, indices: Sequence[int], columns: int) -> np.ndarray:
    """Draw some images of a data set in rows of ``columns``.

    Each class has its own colour; difficult objects are grey. Cells are as large as the largest
    picture. Returns (H, W, 3) uint8 BGR.
    """
    pictures = [
        annotated(dataset.image(i), dataset.annotation(i), dataset.classes) for i in indices
    ]
    height = max(picture.shape[0] for picture in pictures) + GAP
    width = max(picture.shape[1] for picture in pictures) + GAP
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * height + GAP, columns * width + GAP, 3), WHITE, dtype=np.uint8)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        y, x = GAP + row * height, GAP + column * width
        sheet[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    return sheet


def annotated(image: np.ndarray, annotation: Annotation, classes: Sequence[str]) -> np.ndarray:
    """A copy of an (H, W, 3) BGR image with its boxes and class names drawn."""
    picture = image.copy()
    for box, label, difficult in zip(
        annotation.boxes.astype(int), annotation.labels, annotation.difficult, strict=True
    ):
        colour = GREY if difficult else class_colour(label - 1, len(classes))
        cv2.rectangle(picture, box[:2].tolist(), box[2:].tolist(), colour, 1)
        _write_name(picture, classes[label - 1], box[0], box[1], colour)
    return picture


def class_colour(index: int, count: int) -> tuple[int, int, int]:
    """A light BGR colour for class ``index`` of ``count``, hues evenly apart."""
    hsv = np.array([[[round(180 * index / count), 170, 255]]], dtype=np.uint8)
    blue, green, red = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0].tolist()
    return blue, green, red


def _write_name(
    picture: np.ndarray, name: str, x: int, y: int, colour: tuple[int, int, int]
) -> None:
    """The name on a plate above the corner (x, y), pushed inside the picture."""
    width = cv2.getTextSize(name, FONT, FONT_SCALE, 1)[0][0] + 3
    x = max(min(x, picture.shape[1] - width), 0)
    y = max(y, LABEL_HEIGHT)
    cv2.rectangle(picture, (x, y - LABEL_HEIGHT), (x + width, y), colour, cv2.FILLED)
    cv2.putText(picture, name, (x + 2, y - 3), FONT, FONT_SCALE, (0, 0, 0), 1, cv2.LINE_AA)
