"""Section ``train``: where a cell's weights start from, and how they learn."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from frcn.config.scales import Scales
from frcn.config.strict import Fraction, Name, Positive, Precision, Strict


class Sampling(Strict):
    """How the RoIs of a mini-batch are chosen.

    Fast R-CNN draws ``images_per_batch`` images, then RoIs of each (hierarchical sampling, paper
    §2.3; FACTS §1.1). R-CNN and SPP-net draw RoIs from all over the training set.
    """

    images_per_batch: Positive = 2
    rois_per_batch: Positive = 128
    fg_fraction: Fraction = 0.25
    fg_threshold: Fraction = 0.5
    bg_threshold_high: Fraction = 0.5
    bg_threshold_low: Fraction = 0.1

    @model_validator(mode="after")
    def _divides(self) -> "Sampling":
        if self.rois_per_batch % self.images_per_batch:
            raise ValueError("rois_per_batch must be a multiple of images_per_batch")
        return self


class Solver(Strict):
    """Stochastic gradient descent with Caffe's multipliers (FACTS §1.2, §1.3, §1.5)."""

    base_lr: Annotated[float, Field(gt=0)] = 0.001
    gamma: Fraction = 0.1
    step_size: Positive = 30000
    iterations: Positive = 40000
    momentum: Fraction = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 0.0005
    bias_lr_mult: Annotated[float, Field(ge=0)] = 2
    bias_decay_mult: Annotated[float, Field(ge=0)] = 0
    output_lr_mult: Annotated[float, Field(gt=0)] = 1
    checkpoint_every: Positive = 10000


class Svm(Strict):
    """Post-hoc linear SVMs with hard negative mining (FACTS §1.11, §2.4).

    ``overlap_with``: which object of a class a negative is measured with: ``best_object`` counts
    only the class of an RoI's best object, ``every_object`` the best of each class.
    ``initial_fit``: fit after the first image, whatever it gave. ``norm_boxes``: so many random
    RoIs of each of ``norm_images`` images give the mean feature norm; all of them without it.
    ``tolerance``: where a fit stops, as liblinear measures it.
    """

    C: Annotated[float, Field(gt=0)] = 0.001
    positive_weight: Annotated[float, Field(gt=0)] = 2
    bias_multiplier: Annotated[float, Field(gt=0)] = 10
    negative_overlap: Fraction = 0.3
    overlap_with: Literal["best_object", "every_object"] = "best_object"
    hard_threshold: float = -1.0001
    evict_threshold: float = -1.1
    retrain_after: Positive = 2000
    initial_fit: bool = False
    target_norm: Annotated[float, Field(gt=0)] = 20
    norm_images: Positive = 100
    norm_boxes: Positive | None = None
    tolerance: Annotated[float, Field(gt=0)] = 0.0001


class BboxRegressor(Strict):
    """Post-hoc ridge regression of boxes on RoIs above ``min_overlap`` (FACTS §2.5, §3.6)."""

    min_overlap: Fraction
    ridge: Annotated[float, Field(gt=0)]


class Train(Strict):
    """How a cell's weights come about.

    ``kind``: ``sgd`` fine-tunes (and R-CNN and SPP-net then fit SVMs and box regressors); ``svm``
    fits SVMs on the parent's features; ``none`` takes the parent's weights as they are.
    ``parent`` is ``backbone`` (pre-trained weights), ``published`` (the original's detector) or the
    experiment, same network and seed, whose weights it starts from.
    ``learn_from`` names the first layer that learns; every layer before it is frozen.
    ``deterministic``: the same weights at every run on a GPU too, for some of its speed, where
    torch has a fixed order for its sums (docs/gpu.md).
    """

    kind: Literal["sgd", "svm", "none"]
    parent: Name
    splits: Annotated[list[Name], Field(min_length=1)]
    proposals: Positive
    flip: bool = True
    learn_from: str
    precision: Precision = "float32"
    deterministic: bool = False
    bbox_reg: bool = True
    cls_loss_weight: Annotated[float, Field(ge=0)] = 1
    bbox_loss_weight: Annotated[float, Field(ge=0)] = 1
    scales: Scales
    sampling: Sampling = Sampling()
    solver: Solver = Solver()
    svm: Svm = Svm()
    regressor: BboxRegressor | None = None

    @model_validator(mode="after")
    def _parent(self) -> "Train":
        if self.kind != "sgd" and self.parent == "backbone":
            raise ValueError(f"kind {self.kind} needs a trained parent, not the backbone")
        if self.kind == "sgd" and self.parent == "published":
            raise ValueError("kind sgd starts from the backbone, not from a published detector")
        return self
