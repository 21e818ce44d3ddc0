"""What the stage ``timing`` measured: the schema of its file, a reader, and summaries."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, NonNegativeInt, ValidationError

from frcn.artefacts import read_json
from frcn.config import Positive, Strict
from frcn.errors import UserError

System = Literal["fast_rcnn", "fast_rcnn_svd", "rcnn", "spp_net"]
Phase = Literal["conv", "pool", "fc6", "fc7", "other", "total", "step", "training"]
Seconds = Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)]


class Row(Strict):
    """Seconds of one system in one phase, every repeat.

    Per image: ``conv`` to ``other`` and their sum ``total``. Per SGD step: ``step``. All of the
    published schedule: ``training``. ``multiply_adds`` are those of convolutions and fully
    connected layers, None where they were not counted. ``extrapolated``: calculated from a
    smaller measurement, as ``note`` says.
    """

    system: System
    phase: Phase
    seconds: Seconds
    extrapolated: bool
    multiply_adds: NonNegativeInt | None
    note: str = ""


class Step(Strict):
    """An SGD step of Fast R-CNN on 128 RoIs from ``images`` images."""

    images: Positive
    seconds: Seconds
    extrapolated: bool
    multiply_adds: NonNegativeInt


class Product(Strict):
    """A float32 product of two square matrices with ``side`` rows, every repeat."""

    side: Positive
    seconds: Seconds

    @property
    def rate(self) -> float:
        """Multiply-adds per second of the fastest repeat; a product takes side³ of them."""
        return self.side**3 / min(self.seconds)


class Timing(Strict):
    """All measurements of one network.

    Attributes:
        product: shows the device's rate, with which multiply-adds become the least seconds.
        image: height and width in pixels of Fast R-CNN's input.
        rois: proposals of the image.
        unique_rois: how many of them differ on the feature map; Fast R-CNN runs only these.
    """

    network: Literal["XS", "S", "M", "L"]
    device: str
    threads: Positive
    precision: Literal["float32"]
    torch: str
    product: Product
    image: tuple[Positive, Positive]
    rois: Positive
    unique_rois: Positive
    rows: Annotated[list[Row], Field(min_length=1)]
    steps: Annotated[list[Step], Field(min_length=1)]


def load(path: Path) -> Timing:
    """Read and check a file of the stage ``timing``.

    Raises:
        UserError: the file is missing, is no JSON, or is not as the stage writes it.
    """
    values = read_json(path)
    try:
        return Timing.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(whole)"
        raise UserError(
            f"{path}: {error.error_count()} value(s) not as stage `timing` writes them, the first"
            f" at {key}: {first['msg']}, found {first['input']!r:.80}."
            " Delete the file; `dvc repro timing` makes it anew."
        ) from None


def median(seconds: Sequence[float]) -> float:
    """Median of the repeats."""
    return float(np.median(seconds))


def iqr(seconds: Sequence[float]) -> float:
    """Interquartile range of the repeats: their third quartile less their first."""
    lower, upper = np.percentile(seconds, [25, 75])
    return float(upper - lower)


def crude_cost(images: int) -> float:
    """The talk's model of a mini-batch of 128 RoIs from N images: pixels, against R-CNN's crops.

    N·600·1000 / (128·224²). Source: slides, "crude cost model" (FACTS §6.1): 12 for N = 128,
    0.19 for N = 2.
    """
    return images * 600 * 1000 / (128 * 224**2)
