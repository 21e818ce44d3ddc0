"""Section ``score``: how detections are judged."""

from typing import Annotated

from pydantic import Field, model_validator

from frcn.config.strict import Fraction, Positive, Strict


class Score(Strict):
    """Evaluation (FACTS §1.8 step 8, §4.1).

    ``similar_classes``: groups of classes; two of one group count as similar where
    ``frcn.evaluation.error_breakdown`` tells errors apart. A class may be in several groups.
    """

    nms: Fraction = 0.3
    min_overlap: Fraction = 0.5
    bootstrap_samples: Positive = 1000
    seed: int = 0
    similar_classes: list[Annotated[list[str], Field(min_length=2)]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _named_once(self) -> "Score":
        for group in self.similar_classes:
            if len(set(group)) < len(group):
                raise ValueError(f"similar_classes: a class is twice in one group, {group}")
        return self

    def similar(self, name: str) -> set[str]:
        """The other classes of all groups that a class is in."""
        together = [group for group in self.similar_classes if name in group]
        return {other for group in together for other in group} - {name}
