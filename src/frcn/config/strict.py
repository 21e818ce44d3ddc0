"""What all sections of the config are, and the types that they share."""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
Positive = Annotated[int, Field(gt=0)]
Precision = Literal["float32", "tf32", "bfloat16"]
"""Of convolutions and fully connected layers, see ``frcn.precision``; weights stay float32."""


class Strict(BaseModel):
    """A section of the config: unknown keys are errors, values can't be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=Strict)
