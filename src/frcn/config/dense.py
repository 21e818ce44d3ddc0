"""Section ``dense``: sliding windows, beside proposals or in their place."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from frcn.config.strict import Positive, Strict


class DenseGrid(Strict):
    """Sliding windows with sides of ``smallest`` pixels and up, half an octave apart.

    They have ``aspect_ratios`` (height over width), and are ``stride`` of their sides apart.
    """

    smallest: Positive
    aspect_ratios: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)]
    stride: Annotated[float, Field(gt=0, le=1)]


class DenseBoxes(DenseGrid):
    """Sliding windows beside or in the place of the method's boxes (paper §5.5).

    ``use``: ``add`` appends ``count`` windows to the first proposals of a picture; ``alone``
    takes ``count`` windows and no proposal; ``nearest`` replaces each proposal by the window
    nearest to it. Where a picture has more than ``count``, they are a random sample.
    """

    use: Literal["add", "alone", "nearest"]
    count: Positive | None = None
    seed: int = 0

    @model_validator(mode="after")
    def _count(self) -> "DenseBoxes":
        if (self.use == "nearest") != (self.count is None):
            raise ValueError("use: nearest has no `count`, add and alone need one")
        return self
