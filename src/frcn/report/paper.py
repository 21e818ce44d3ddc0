"""The published numbers: data under ``conf/paper/``, read and validated.

Letters: S, M and L are the paper's networks (CaffeNet, VGG_CNN_M_1024, VGG16).
Source: FACTS §6 gathers the numbers, §7 where the sources contradict each other.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from frcn.config import Name, Strict, load

Measure = Literal["map", "train_seconds", "test_seconds", "parameters"]
PaperNetwork = Literal["S", "M", "L"]
PerNetwork = dict[PaperNetwork, float]

MOST_PROPOSALS = "most_proposals"
BEST_FEWER_PROPOSALS = "best_fewer_proposals"


class PaperRow(Strict):
    """One setting of a published table; without ``experiment`` it is only quoted."""

    setting: str
    experiment: Name | None = None
    paper: dict[Measure, PerNetwork] = Field(default_factory=dict)


class PaperTable(Strict):
    """A published table: the settings are its rows here and usually its columns in the paper."""

    title: str
    source: str
    measures: Annotated[list[Measure], Field(min_length=1)]
    rows: Annotated[list[PaperRow], Field(min_length=1)]
    notes: list[str] = Field(default_factory=list)


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
    """The two sides of a published comparison, per network."""

    a: PerNetwork = Field(default_factory=dict)
    b: PerNetwork = Field(default_factory=dict)

    @model_validator(mode="after")
    def _same_networks(self) -> "Published":
        if self.a.keys() != self.b.keys():
            raise ValueError("a and b must give the same networks")
        return self

    def effects(self) -> PerNetwork:
        """Published a − b per network, without the noise of binary fractions."""
        return {network: round(self.a[network] - self.b[network], 4) for network in self.a}


class Claim(Strict):
    """A claim and the comparison that decides it: the effect is a − b.

    ``a`` and ``b`` are experiments, or ``most_proposals`` and ``best_fewer_proposals``, which
    stand for the ends of the sweep over the number of proposals.
    """

    claim: str
    source: str
    metric: Literal["map", "test_seconds"] = "map"
    a: Name
    b: Name
    expect: Literal["greater", "less", "within", "at_most"]
    margin: Annotated[float, Field(ge=0)] = 0
    paper: Published = Published()


class Claims(Strict):
    """The ledger: all claims, and the original's own spread over seeds in points of mAP."""

    noise: Annotated[float, Field(ge=0)]
    claims: Annotated[list[Claim], Field(min_length=1)]


class Paper(Strict):
    """Everything under ``conf/paper``; ``tables`` by name, in order of the file names."""

    tables: dict[str, PaperTable]
    proposals: ProposalsTable
    main: MainTable
    claims: Claims


def load_paper(folder: Path) -> Paper:
    """Read ``main.yaml``, ``proposals.yaml``, ``claims.yaml`` and ``tables/*.yaml``.

    Raises:
        UserError: a file is missing, is no YAML, or has an unknown key or impossible value.
    """
    folder = Path(folder)
    return Paper(
        tables={
            path.stem: load(PaperTable, path) for path in sorted((folder / "tables").glob("*.yaml"))
        },
        proposals=load(ProposalsTable, folder / "proposals.yaml"),
        main=load(MainTable, folder / "main.yaml"),
        claims=load(Claims, folder / "claims.yaml"),
    )
