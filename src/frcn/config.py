"""The schema of resolved configs: every key, its type and its bounds, checked in one go.

Hydra composes (``conf/``); these models validate. A key that the schema does not know is an
error, and all errors of a file are reported together, each with its key.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from frcn.errors import UserError

Fraction = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
Positive = Annotated[int, Field(gt=0)]
Precision = Literal["float32", "tf32", "bfloat16"]
"""Of convolutions and fully connected layers, see ``frcn.precision``; weights stay float32."""


class Strict(BaseModel):
    """A section of the config: unknown keys are errors, values can't be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=Strict)


class Shapes(Strict):
    """The generated data set (``frcn.data.shapes``): images per split and the seed."""

    kind: Literal["shapes"]
    seed: int = 0
    images: dict[Name, Positive]


class Folder(Strict):
    """A VOC-layout folder of the user's own; ``path`` may come from an environment variable."""

    kind: Literal["folder"]
    path: str


class PublishedFile(Strict):
    """One file: the addresses of its mirrors, best first, and what its bytes must be.

    ``size`` is in bytes; ``md5`` and ``sha256`` are hexadecimal, the latter perhaps only its first
    digits. What is given is checked before the file is used.
    """

    urls: Annotated[list[str], Field(min_length=1)]
    size: Positive | None = None
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")] | None = None

    @property
    def name(self) -> str:
        """The file's name, by which a local copy is known."""
        return self.urls[0].rsplit("/", 1)[-1]

    @property
    def is_pinned(self) -> bool:
        """Whether a checksum of the whole file is known."""
        return (self.md5 or self.sha256) is not None


def _pinned(file: PublishedFile) -> PublishedFile:
    if not file.is_pinned:
        raise ValueError("give its `md5` or `sha256`")
    return file


PinnedFile = Annotated[PublishedFile, AfterValidator(_pinned)]


class Archive(Strict):
    """Public archives in VOC layout, each checked as a whole or all by a list of file checksums.

    ``folder_env`` names an environment variable that, when set, gives a local copy instead.
    ``checksums`` is a text file of ``sha256  path`` lines, relative to the repository root.
    ``trees``: where the archives hold a devkit of several trees (``VOC2007``, ``VOC2012``), the
    image sets that are taken from each and their names in the one tree that becomes of them.
    ``images``: how many each split has, for plans before the download.
    """

    kind: Literal["archive"]
    archives: Annotated[list[PublishedFile], Field(min_length=1)]
    checksums: str | None = None
    trees: dict[Name, dict[Name, Name]] | None = None
    folder_env: Name
    images: dict[Name, Positive] | None = None

    @model_validator(mode="after")
    def _checked(self) -> "Archive":
        if self.checksums is None and not all(archive.is_pinned for archive in self.archives):
            raise ValueError("give `checksums` of the files, or `md5` or `sha256` of each archive")
        return self

    @model_validator(mode="after")
    def _named_once(self) -> "Archive":
        repeated = [name for name, count in Counter(self.image_sets or []).items() if count > 1]
        if repeated:
            raise ValueError(f"trees: two image sets are to be called {repeated[0]!r}")
        return self

    @property
    def image_sets(self) -> list[str] | None:
        """The image sets that ``trees`` gives; None where there is one tree, with its own."""
        if self.trees is None:
            return None
        return [name for sets in self.trees.values() for name in sets.values()]


class Data(Strict):
    """What to detect in which images.

    ``splits`` maps a split's name to the name of its image set (``ImageSets/Main/<set>.txt``)
    under ``root``, a VOC devkit tree. ``classes`` leaves the background out.
    """

    root: str
    source: Annotated[Shapes | Folder | Archive, Field(discriminator="kind")]
    classes: Annotated[list[str], Field(min_length=1)]
    splits: dict[Name, str]
    on_invalid: Literal["stop", "skip"] = "stop"

    @model_validator(mode="after")
    def _image_sets(self) -> "Data":
        given = self.source.image_sets if isinstance(self.source, Archive) else None
        missing = sorted(set(self.splits.values()) - set(given)) if given is not None else []
        if missing:
            raise ValueError(f"splits: source.trees gives no image set {missing[0]!r}")
        return self


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


class Pretraining(Strict):
    """Weights that the ``backbone`` stage trains on generated images of other classes."""

    kind: Literal["pretraining"]
    seed: int = 0
    images: Positive
    image_size: Positive
    batch_size: Positive
    steps: Positive
    learning_rate: Annotated[float, Field(gt=0)]


class CaffeWeights(Strict):
    """A caffemodel: ``member`` of an archive, or the file itself."""

    kind: Literal["caffe"]
    file: PinnedFile
    member: str | None = None


class TorchvisionWeights(Strict):
    """torchvision's VGG16."""

    kind: Literal["torchvision"]
    file: PinnedFile


Weights = Annotated[Pretraining | CaffeWeights | TorchvisionWeights, Field(discriminator="kind")]


class Network(Strict):
    """A network: its first layer, the first that learns in Fast R-CNN, its truncated-SVD ranks.

    ``rcnn_batch`` is how many warped regions R-CNN fine-tunes it on at a time. ``weights`` is where
    its pre-trained weights come from, ``published`` the original's trained VOC07 detector.
    """

    name: Literal["XS", "S", "M", "L", "L_torchvision"]
    first_layer: str
    learn_from: str
    rcnn_batch: Positive
    svd_ranks: dict[Literal["fc6", "fc7"], Positive]
    weights: Weights
    published: CaffeWeights | None = None


class Scales(Strict):
    """Short-side targets in pixels and the cap on the long side (FACTS §1.1)."""

    short_sides: Annotated[list[Positive], Field(min_length=1)]
    max_size: Positive


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
    ``deterministic``: the same weights at every run on a GPU too, for some of its speed.
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


class Test(Strict):
    """The test-time procedure (FACTS §1.8)."""

    split: Name
    proposals: Positive
    scales: Scales
    precision: Precision = "float32"
    bbox_reg: bool = True
    scorer: Literal["softmax", "svm"] = "softmax"
    svd: dict[Literal["fc6", "fc7"], Positive] | None = None
    max_per_image: Positive = 100
    average_per_image: Positive = 40


class Score(Strict):
    """Evaluation (FACTS §1.8 step 8, §4.1)."""

    nms: Fraction = 0.3
    min_overlap: Fraction = 0.5
    bootstrap_samples: Positive = 1000
    seed: int = 0


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


class Profile(Strict):
    """The sections that are shared by all cells of a profile."""

    profile: Name
    data: Data


class ProfileProposals(Profile):
    """One proposal list of a profile."""

    proposals: Proposals


def validate(model: type[Model], values: object, where: str) -> Model:
    """Validate ``values`` against ``model``, all problems in one message.

    Raises:
        UserError: with one line per bad key: the key, what was found, what was wanted.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [f"{where}: {error.error_count()} problem(s) in the config"]
        for problem in error.errors():
            key = ".".join(str(part) for part in problem["loc"]) or "(whole)"
            if problem["type"] == "extra_forbidden":
                lines.append(f"  {key}: unknown key; remove it or mend its spelling")
            else:
                lines.append(f"  {key}: {problem['msg']}, found {problem['input']!r:.80}")
        raise UserError("\n".join(lines)) from None


def load(model: type[Model], path: Path) -> Model:
    """Read and validate a resolved YAML file.

    Raises:
        UserError: the file is missing, is no YAML, or has bad values.
    """
    try:
        values = yaml.safe_load(Path(path).read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: not found. `dvc repro` makes it from conf/.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {error}") from None
    return validate(model, values, str(path))
