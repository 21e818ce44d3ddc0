"""Detections of a trained cell on any picture, drawn on a copy of it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from frcn import config
from frcn.artefacts import write_bytes
from frcn.errors import UserError
from frcn.nms import nms
from frcn.proposals import ProposalMethod, make_method
from frcn.proposals.dense import DenseSampler
from frcn.report.drawing import draw_detections, draw_proposals
from frcn.systems import system
from frcn.systems.detecting import Detector

PROPOSAL_WIDTH = 500
"""Wider pictures are searched for proposals at this width, where the cell sets no other: the
time grows faster than the number of pixels. R-CNN's demo did the same (FACTS §2.1)."""
LEGIBLE_SIDE = 640
"""Smaller pictures are enlarged to this long side before drawing, so that names can be read."""
COLUMNS = ("class", "score", "x1", "y1", "x2", "y2")


@dataclass(frozen=True)
class Shown:
    """What became of one picture: the file drawn, how many detections, and seconds."""

    picture: Path
    drawn: Path
    detections: int
    proposal_seconds: float
    detection_seconds: float

    def __str__(self) -> str:
        return (
            f"{self.picture}: {self.detections} detections,"
            f" proposals {self.proposal_seconds:.2f} s,"
            f" detection {self.detection_seconds:.2f} s -> {self.drawn}"
        )


def demo(
    cell: config.Cell,
    weights: Path,
    pictures: Sequence[Path],
    out: Path,
    threshold: float = 0.5,
    proposals_too: bool = False,
) -> Iterator[Shown]:
    """Write ``<name>_detections.jpg`` of each picture, and on request ``<name>_proposals.jpg``.

    Args:
        cell: the config; proposals, scales, scorer and NMS are those of its test.
        weights: what it trained.
        pictures: image files of any format that OpenCV reads; EXIF rotation is applied.
        out: folder of the drawings.
        threshold: the least score of a detection that is drawn.
        proposals_too: whether to draw the proposals as well.

    Raises:
        UserError: weights are missing or don't fit, a picture is missing or can't be read, or
            two drawings would have the same name.
    """
    _assert_names_differ(pictures)
    detector = system(cell.system).load_detector(cell, weights)
    method = method_for(cell)
    dense = DenseSampler(cell.dense) if cell.dense else None
    for path in pictures:
        image = read_picture(path)
        start = time.perf_counter()
        proposals = method(image)[: cell.test.proposals].astype(np.float32)
        if dense:
            proposals = dense.boxes(proposals, image.shape[:2], path.stem)
        proposed = time.perf_counter()
        detections = find_detections(detector, cell, image, proposals, threshold)
        seconds = (proposed - start, time.perf_counter() - proposed)
        if proposals_too:
            _write(out / f"{path.stem}_proposals.jpg", draw_proposals(image, proposals))
        zoom = max(1.0, LEGIBLE_SIDE / max(image.shape[:2]))
        drawn = out / f"{path.stem}_detections.jpg"
        _write(drawn, draw_detections(image, detections, cell.data.classes, zoom=zoom))
        yield Shown(path, drawn, len(detections), *seconds)


def read_picture(path: Path) -> np.ndarray:
    """A user's picture as (H, W, 3) uint8 BGR.

    Raises:
        UserError: the file is missing or is no picture.
    """
    if not Path(path).is_file():
        raise UserError(f"{path}: not found. Give the path of an image file.")
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise UserError(f"{path}: can't be read as a picture. Give a JPEG or PNG file.")
    return image


def method_for(cell: config.Cell) -> ProposalMethod:
    """The proposal method of a cell, made fit for pictures of any width.

    Raises:
        UserError: the cell's boxes were imported; there are none of other pictures.
    """
    proposals = cell.proposals
    if proposals.method == "imported":
        raise UserError(
            f"{cell.experiment}: its proposals {proposals.name!r} are imported from files, which"
            " have none of these pictures. Give the config and weights of another cell."
        )
    if proposals.method == "interleaved":
        parts = [_at_most_wide(part) for part in proposals.parts]
        return make_method(proposals.model_copy(update={"parts": parts}))
    return make_method(_at_most_wide(proposals))


def _at_most_wide(searched: config.Searched) -> config.Searched:
    width = searched.max_width or PROPOSAL_WIDTH
    return searched.model_copy(update={"max_width": width})


def find_detections(
    detector: Detector,
    cell: config.Cell,
    image: np.ndarray,
    proposals: np.ndarray,
    threshold: float,
) -> pd.DataFrame:
    """Detections of at least ``threshold`` after NMS of each class, columns ``COLUMNS``.

    Boxes are 0-based inclusive, in pixels of the picture.
    """
    scores, boxes = detector.detect(image, proposals)
    rows = []
    for label, name in enumerate(cell.data.classes, start=1):
        # NMS never lets a weaker box remove a stronger one, so the threshold may come first.
        likely = np.flatnonzero(scores[:, label] >= threshold)
        corners = boxes[likely, 4 * label : 4 * label + 4]
        for kept in nms(corners, scores[likely, label], cell.score.nms):
            rows.append((name, scores[likely[kept], label], *corners[kept]))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _assert_names_differ(pictures: Sequence[Path]) -> None:
    stems = [path.stem for path in pictures]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice:
        raise UserError(
            f"several pictures are called {', '.join(twice)}, and so would their drawings be."
            " Rename them, or show them one at a time with different --out."
        )


def _write(path: Path, picture: np.ndarray) -> None:
    _, data = cv2.imencode(".jpg", picture)
    write_bytes(path, data.tobytes())
