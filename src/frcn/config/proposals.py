"""Section ``proposals``: a list of proposals, by the method that makes it."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from frcn.config.strict import Name, Positive, Strict


class ProposalList(Strict):
    """What all proposal lists share: the name of the list, its file and its folder.

    The first ``max_boxes`` of a picture are kept.
    """

    name: Name
    max_boxes: Positive = 10000


class SearchedList(ProposalList):
    """A list that one search makes; it sees pictures at most ``max_width`` pixels wide."""

    max_width: Positive | None = None


class SelectiveSearch(SearchedList):
    """Our selective search: a preset of ``frcn.selective_search``, and what differs from it.

    Regions grow from thresholds ``k``, boxes have sides of ``min_side`` pixels or more, and come
    in ``order``; None is the preset's own.
    """

    method: Literal["selective_search"]
    preset: Literal["fast", "quality", "single", "iccv11"]
    k: Annotated[list[Positive], Field(min_length=1)] | None = None
    min_side: Positive | None = None
    order: Literal["random_rank", "agreement", "raster"] | None = None
    seed: int = 0


class OpenCVSelectiveSearch(SearchedList):
    """OpenCV's selective search, kept to compare with."""

    method: Literal["opencv_selective_search"]
    mode: Literal["fast", "quality", "single"]
    base_k: Positive
    sigma: Annotated[float, Field(gt=0)]
    min_side: Positive | None = None
    seed: int = 0


class EdgeBoxes(SearchedList):
    """EdgeBoxes on one of three kinds of edges; ``model`` is the file of Structured Forests.

    ``min_area`` is in px² of the picture that is searched, which ``max_width`` may shrink.
    """

    method: Literal["edge_boxes"]
    edges: Literal["gradient", "boundaries", "structured_forests"] = "gradient"
    model: str | None = None
    min_area: Positive = 1000

    @model_validator(mode="after")
    def _model(self) -> "EdgeBoxes":
        if (self.edges == "structured_forests") != (self.model is not None):
            raise ValueError("edges: structured_forests needs `model`, the other edges have none")
        return self


class ImportedBoxes(ProposalList):
    """Boxes that others computed: for each split a MATLAB file as FACTS §4.3 describes them."""

    method: Literal["imported"]
    files: dict[Name, str]


class Interleaved(ProposalList):
    """The best of each part, then the second best of each, and so on, no box twice."""

    method: Literal["interleaved"]
    parts: Annotated[list["Searched"], Field(min_length=2)]


Searched = Annotated[
    SelectiveSearch | OpenCVSelectiveSearch | EdgeBoxes, Field(discriminator="method")
]
Proposals = Annotated[
    SelectiveSearch | OpenCVSelectiveSearch | EdgeBoxes | ImportedBoxes | Interleaved,
    Field(discriminator="method"),
]
