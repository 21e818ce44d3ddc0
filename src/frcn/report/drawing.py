"""Drawing of detections on pictures, for the report and for ``frcn demo``."""

from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd

from frcn.data.contact_sheet import class_colour

FONT = cv2.FONT_HERSHEY_SIMPLEX
JPEG_QUALITY = 85
PLATE_HEIGHT = 15
SCALE = 0.42
THIN = (210, 210, 210)
INK = (20, 20, 20)


def draw_detections(
    image: np.ndarray,
    detections: pd.DataFrame,
    classes: Sequence[str],
    objects: np.ndarray | None = None,
    zoom: float = 1.0,
) -> np.ndarray:
    """A copy of an (H, W, 3) uint8 BGR image with detections: box, class name, score.

    Args:
        image: the picture.
        detections: columns class, score, x1, y1, x2, y2 (0-based inclusive, pixels of
            ``image``); the best is drawn last, on top.
        classes: all classes, which decides the colours.
        objects: (G, 4) annotated boxes, drawn as thin light lines below the detections.
        zoom: the picture is enlarged by this factor before drawing.
    """
    picture = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    for box in [] if objects is None else objects:
        _rectangle(picture, box, zoom, THIN, 1)
    # "class" is a keyword, which itertuples would rename.
    best_last = detections.rename(columns={"class": "name"}).sort_values("score", kind="stable")
    for row in best_last.itertuples():
        colour = class_colour(list(classes).index(row.name), len(classes))
        _rectangle(picture, (row.x1, row.y1, row.x2, row.y2), zoom, colour, 2)
        _plate(picture, f"{row.name} {row.score:.2f}", row.x1 * zoom, row.y1 * zoom, colour)
    return picture


def draw_proposals(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """A copy of an (H, W, 3) BGR image with (R, 4) proposals, of which the first are brightest."""
    picture = image.copy()
    for place in range(len(boxes) - 1, -1, -1):
        light = 255 - round(170 * place / max(len(boxes) - 1, 1))
        _rectangle(picture, boxes[place], 1.0, (light, light, light // 4), 1)
    return picture


def shrunk(picture: np.ndarray, width: int) -> np.ndarray:
    """A picture in a width in pixels; a narrower one as it is."""
    factor = min(1.0, width / picture.shape[1])
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def jpeg(picture: np.ndarray) -> bytes:
    """An (H, W, 3) BGR picture as a JPEG file has it."""
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def _rectangle(
    picture: np.ndarray, box: Sequence[float], zoom: float, colour: tuple, thickness: int
) -> None:
    x1, y1, x2, y2 = (round(float(corner) * zoom) for corner in box)
    cv2.rectangle(picture, (x1, y1), (x2, y2), colour, thickness)


def _plate(picture: np.ndarray, text: str, x: float, y: float, colour: tuple) -> None:
    """Text on a coloured plate above the corner (x, y), pushed inside the picture."""
    width = cv2.getTextSize(text, FONT, SCALE, 1)[0][0] + 6
    left = max(min(round(x), picture.shape[1] - width), 0)
    bottom = max(round(y), PLATE_HEIGHT)
    corner = (left + width, bottom)
    cv2.rectangle(picture, (left, bottom - PLATE_HEIGHT), corner, colour, cv2.FILLED)
    cv2.putText(picture, text, (left + 3, bottom - 4), FONT, SCALE, INK, 1, cv2.LINE_AA)
