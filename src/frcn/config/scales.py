"""The sizes at which a network sees pictures, in training and at test time."""

from typing import Annotated

from pydantic import Field

from frcn.config.strict import Positive, Strict


class Scales(Strict):
    """Short-side targets in pixels and the cap on the long side (FACTS §1.1)."""

    short_sides: Annotated[list[Positive], Field(min_length=1)]
    max_size: Positive
