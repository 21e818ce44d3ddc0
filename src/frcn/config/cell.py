"""A cell: all sections, and what must hold between them."""

from typing import Literal

from pydantic import model_validator

from frcn.config.data import Data
from frcn.config.dense import DenseBoxes
from frcn.config.detect import Test
from frcn.config.network import Network
from frcn.config.proposals import Proposals
from frcn.config.score import Score
from frcn.config.strict import Name, Strict
from frcn.config.train import Train


class Cell(Strict):
    """One cell but for its seed: network × experiment in a profile."""

    profile: Name
    experiment: Name
    system: Literal["fast_rcnn", "rcnn", "spp_net"] = "fast_rcnn"
    network: Network
    data: Data
    proposals: Proposals
    dense: DenseBoxes | None = None
    train: Train
    test: Test
    score: Score = Score()

    @model_validator(mode="after")
    def _system(self) -> "Cell":
        of_regions = self.system != "fast_rcnn"
        if of_regions and self.train.kind == "svm":
            raise ValueError(f"train.kind: {self.system} fits its SVMs after sgd, not by itself")
        if of_regions != (self.train.regressor is not None):
            raise ValueError("train.regressor: R-CNN and SPP-net need it, Fast R-CNN has none")
        if of_regions:
            # Their detectors know no other way; a setting that is ignored would be a lie.
            wanted = {"scorer": "svm", "bbox_reg": True, "svd": None}
            for key, value in wanted.items():
                if getattr(self.test, key) != value:
                    raise ValueError(f"test.{key}: of {self.system} it is {value!r}, always")
        return self

    @model_validator(mode="after")
    def _published(self) -> "Cell":
        if self.train.parent == "published" and self.network.published is None:
            raise ValueError(f"train.parent: network {self.network.name} has no `published`")
        return self

    @model_validator(mode="after")
    def _splits(self) -> "Cell":
        known = set(self.data.splits)
        for key, wanted in (("train.splits", self.train.splits), ("test.split", [self.test.split])):
            for split in wanted:
                if split not in known:
                    raise ValueError(f"{key}: no split {split!r}; data.splits has {sorted(known)}")
        if self.test.split in self.train.splits:
            raise ValueError(f"test.split {self.test.split!r} is also trained on")
        return self

    @model_validator(mode="after")
    def _similar_classes(self) -> "Cell":
        for name in (name for group in self.score.similar_classes for name in group):
            if name not in self.data.classes:
                raise ValueError(
                    f"score.similar_classes: no class {name!r}; data.classes has"
                    f" {self.data.classes}"
                )
        return self
