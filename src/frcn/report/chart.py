"""What all figures are made of (matplotlib's Agg; no window, no state)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from frcn.artefacts import atomic_path

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY, INK = (
    "#0b63a5",
    "#d98300",
    "#1a8a66",
    "#c4452f",
    "#8a5aa8",
    "#4aa3d8",
    "#8a8f98",
    "#24292f",
)
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY, INK)
DPI = 144


@dataclass(frozen=True)
class Picture:
    """A figure with its caption, and the alternative text that says what it shows.

    ``on_page`` is False of what the page draws itself, of any cell: the figure is a file only.
    """

    name: str
    figure: Figure
    caption: str
    alt: str
    on_page: bool = True


def save(figure: Figure, path: Path) -> None:
    """Write a PNG, whole or not at all; equal figures give equal bytes."""
    FigureCanvasAgg(figure)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=DPI, facecolor="white", metadata={"Software": None})


def make_axes(
    rows: int, columns: int, width: float, height: float, **options: object
) -> tuple[Figure, list[Axes]]:
    """A figure of so many inches and its axes in reading order; ``options`` are of subplots."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, columns, **options)).ravel().tolist()
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    return figure, axes
