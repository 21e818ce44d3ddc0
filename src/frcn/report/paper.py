"""The published numbers: data under ``conf/paper/``, read and validated.

Letters: S, M and L are the paper's networks (CaffeNet, VGG_CNN_M_1024, VGG16).
Source: FACTS §6 gathers the numbers, §7 where the sources contradict each other.
"""

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from frcn.config import Name, Strict, load

Measure = Literal["map", "train_seconds", "test_seconds", "parameters"]
PaperNetwork = Literal["S", "M", "L"]
PerNetwork = dict[PaperNetwork, float]
TimedSystem = Literal["fast_rcnn", "fast_rcnn_svd", "rcnn", "spp_net"]
"""A system as the measurements at the paper's scale name it."""
TIMED_SYSTEMS = get_args(TimedSystem)
STEP_IMAGES = {f"fast_rcnn_{images}_images": images for images in (1, 2, 4, 16, 64, 128)}
"""SGD steps of Fast R-CNN by the images of their 128 RoIs."""
PROPOSAL_METHODS = {
    "selective_search": "selective search, fast",
    "opencv_selective_search": "OpenCV's selective search, fast",
    "edge_boxes": "EdgeBoxes, gradient",
}
"""Methods that ``benchmarks/proposals.py`` times, OpenCV's with its own k, as it names them."""
ForwardPhase = Literal["conv", "pool", "fc6", "fc7", "other"]
Metric = Literal[
    "map",
    "train_seconds",
    "test_seconds",
    "timing_train",
    "timing_test",
    "timing_step",
    "timing_fc_share",
    "proposal_seconds",
]
RATIOS = ("timing_train", "timing_test", "timing_step", "proposal_seconds")
MOST_PROPOSALS = "most_proposals"
BEST_FEWER_PROPOSALS = "best_fewer_proposals"


class PaperRow(Strict):
    """One setting of a published table; without ``experiment`` it is only quoted."""

    setting: str
    experiment: Name | None = None
    paper: dict[Measure, PerNetwork] = Field(default_factory=dict)


class PaperTable(Strict):
    """A published table: the settings are its rows here and usually its columns in the paper.

    With ``profile``, no other profile's report has it.
    """

    title: str
    source: str
    profile: Name | None = None
    measures: Annotated[list[Measure], Field(min_length=1)]
    rows: Annotated[list[PaperRow], Field(min_length=1)]
    notes: list[str] = Field(default_factory=list)


class SystemRow(PaperRow):
    """A system: also its published speed-ups and the seconds of a forward pass by phase."""

    experiment: Name
    timed: TimedSystem
    speedup: dict[Literal["train_seconds", "test_seconds"], PerNetwork]
    phases: dict[ForwardPhase, PerNetwork] = Field(default_factory=dict)


class SystemsTable(Strict):
    """The systems side by side; speed-ups are over the first."""

    title: str
    source: str
    rows: Annotated[list[SystemRow], Field(min_length=1)]
    notes: list[str] = Field(default_factory=list)

    def of(self, timed: str) -> SystemRow:
        """The row of a system by its name in the measurements at the paper's scale."""
        return next(row for row in self.rows if row.timed == timed)


class ProposalsRow(Strict):
    """A point of the proposal figure; ``paper`` is the published mAP, where the text gives it."""

    scheme: str
    setting: str
    experiment: Name
    paper: float | None = None


class ProposalsTable(Strict):
    """The proposal figure: schemes of proposals, each with its points, all of one network.

    ``seconds`` are the published ones of a picture's proposals, by method.
    """

    title: str
    source: str
    rows: Annotated[list[ProposalsRow], Field(min_length=1)]
    seconds: dict[str, Annotated[float, Field(gt=0)]]
    notes: list[str] = Field(default_factory=list)


class MainTable(Strict):
    """Published average precision per class, shown beside ours in ``profile``."""

    title: str
    source: str
    profile: Name
    network: PaperNetwork
    ap: dict[str, float]
    map: float


class Published(Strict):
    """The two sides of a published comparison, per network, or only its effect."""

    a: PerNetwork = Field(default_factory=dict)
    b: PerNetwork = Field(default_factory=dict)
    effect: PerNetwork = Field(default_factory=dict)

    @model_validator(mode="after")
    def _same_networks(self) -> "Published":
        if self.a.keys() != self.b.keys():
            raise ValueError("a and b must give the same networks")
        if self.a and self.effect:
            raise ValueError("give a and b, or the effect")
        return self

    def effects(self) -> PerNetwork:
        """Published effects per network: a − b, without the noise of binary fractions."""
        differences = {n: round(self.a[n] - self.b[n], 4) for n in self.a}
        return self.effect or differences


class Claim(Strict):
    """A claim and the comparison that decides it.

    By ``metric``, the effect is

    - ``map``, ``train_seconds``, ``test_seconds``: a − b of two experiments of the profile, or of
      ``most_proposals`` and ``best_fewer_proposals``, which stand for the ends of the sweep over
      the number of proposals;
    - ``timing_train``, ``timing_test``: a / b of the seconds that two systems take at the paper's
      scale for the training or an image;
    - ``timing_step``: a / b of the seconds of two SGD steps at the paper's scale, of ``rcnn`` or
      ``fast_rcnn_<N>_images``, which has 128 RoIs;
    - ``timing_fc_share``: the share of fc6 and fc7 in the forward pass of a system ``a`` at the
      paper's scale, in percent; there is no ``b``;
    - ``proposal_seconds``: a / b of the seconds that two methods take for a picture's proposals.
    """

    claim: str
    source: str
    metric: Metric = "map"
    a: Name
    b: Name | None = None
    expect: Literal["greater", "less", "within", "at_most"]
    margin: Annotated[float, Field(ge=0)] = 0
    paper: Published = Published()
    published: float | None = None

    @model_validator(mode="after")
    def _sides(self) -> "Claim":
        if (self.metric == "timing_fc_share") != (self.b is None):
            raise ValueError("timing_fc_share has no `b`, every other metric needs one")
        known = {
            "timing_train": TIMED_SYSTEMS,
            "timing_test": TIMED_SYSTEMS,
            "timing_fc_share": TIMED_SYSTEMS,
            "timing_step": ("rcnn", *STEP_IMAGES),
            "proposal_seconds": tuple(PROPOSAL_METHODS),
        }.get(self.metric)
        for side in (self.a, self.b):
            if known and side and side not in known:
                raise ValueError(f"{side}: {self.metric} knows {', '.join(known)}")
        if self.published is not None and self.metric != "proposal_seconds":
            raise ValueError(f"{self.metric} is of networks: give `paper`, not `published`")
        if self.paper.effects() and self.metric == "proposal_seconds":
            raise ValueError("proposal_seconds is of no network: give `published`, not `paper`")
        return self

    @property
    def at_papers_scale(self) -> bool:
        """Whether measurements at the paper's scale decide it."""
        return self.metric.startswith("timing_")

    @property
    def of_cells(self) -> bool:
        """Whether the profile's cells decide it."""
        return self.metric in ("map", "train_seconds", "test_seconds")

    @property
    def neutral(self) -> float:
        """The effect of two settings that do not differ."""
        return 1 if self.metric in RATIOS else 0


class OriginalNoise(Strict):
    """The original's own noise: a published mAP, and mean ± deviation of its author's re-runs."""

    network: PaperNetwork
    published: float
    mean: float
    deviation: Annotated[float, Field(ge=0)]

    @property
    def words(self) -> str:
        """Mean and deviation, as ``67.2 ± 0.2``."""
        return f"{self.mean} ± {self.deviation}"


class Claims(Strict):
    """The ledger: all claims, and the original's own noise."""

    noise: OriginalNoise
    claims: Annotated[list[Claim], Field(min_length=1)]


class Paper(Strict):
    """Everything under ``conf/paper``; ``tables`` by name, in order of the file names."""

    tables: dict[str, PaperTable]
    systems: SystemsTable
    proposals: ProposalsTable
    main: MainTable
    claims: Claims


def load_paper(folder: Path) -> Paper:
    """Read ``systems``, ``main``, ``proposals`` and ``claims.yaml``, and ``tables/*.yaml``.

    Raises:
        UserError: a file is missing, is no YAML, or has an unknown key or impossible value.
    """
    folder = Path(folder)
    return Paper(
        tables={
            path.stem: load(PaperTable, path) for path in sorted((folder / "tables").glob("*.yaml"))
        },
        systems=load(SystemsTable, folder / "systems.yaml"),
        proposals=load(ProposalsTable, folder / "proposals.yaml"),
        main=load(MainTable, folder / "main.yaml"),
        claims=load(Claims, folder / "claims.yaml"),
    )
