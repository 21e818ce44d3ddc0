"""What README.md shows of ``results/``: the ledger of all profiles side by side, and the systems.

It is narrow enough for a page on the web; everything else is a link away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from frcn.errors import UserError
from frcn.evaluation.verdict import Verdict
from frcn.report.cells import NOT_RUN
from frcn.report.page import SIGNS
from frcn.report.table import EMPTY, markdown_table, percent, read_markdown_table

SHORT = {Verdict.NOT_DISTINGUISHABLE: "undecided"}
OURS = "ours [95 % interval]"
SIDE_OF_PAPER = "paper L: "
"""VGG16's columns, which the networks of small profiles are held against."""
FIGURE = "figures/timing_L.png"
FIGURE_ALT = (
    "Forward passes by phase at the paper's scale, and seconds per image, ours and the paper's"
)
LEGEND = (
    "Numbers are effects: the first of the two cells that claims.csv names less the second, in "
    "points of mAP, or seconds where the claim is about time; × is a ratio of seconds, ≈ one with "
    "an extrapolated side. In brackets 95 % intervals: of mAP from a paired bootstrap over the "
    "test images, widened by the noise of training where it was measured; at the paper's scale "
    "from n repeats of the measurement; of proposals from a bootstrap over the pictures. "
    "*Undecided*: not distinguishable at this size, because the interval holds both answers. "
    "* within the original's own noise between trainings."
)
OF_PROPOSALS = (
    "Seconds of a picture's proposals, on n test pictures in a width of 500 pixels. OpenCV's two "
    "methods are written plainly; our selective search is compiled for speed, and EdgeBoxes "
    "against it tells of our code, not of the methods:"
)
AT_PAPERS_SCALE = "At the paper's scale, where networks of its sizes are timed with random weights:"
OF_SYSTEMS = (
    "Paper: VGG16 on VOC07. In brackets: how many times faster than R-CNN. Only the directions of "
    "differences can be compared."
)


@dataclass(frozen=True)
class _Ledger:
    """A profile's claims as readers see them, in its order, and what it ran.

    ``kinds`` say what decides each claim: ``timing``, ``proposals``, or else the name of a network.
    ``seeds`` are counted, ``noise`` is in words.
    """

    profile: str
    rows: list[dict[str, str]]
    kinds: list[str]
    seeds: int
    noise: str

    @classmethod
    def read(cls, folder: Path) -> "_Ledger":
        rows = read_markdown_table((folder / "claims.md").read_text())
        kinds = pd.read_csv(folder / "claims.csv")["cells"].str.split("-").str[0].tolist()
        runs = pd.read_csv(folder / "cells.csv")
        seeds = runs.loc[runs["fingerprint"] != NOT_RUN, "seed"].nunique()
        return cls(folder.name, rows, kinds, seeds, _noise(folder / "table_training_noise.csv"))

    def of(self, kind: str) -> list[dict[str, str]]:
        pairs = zip(self.rows, self.kinds, strict=True)
        return [row for row, its_kind in pairs if its_kind == kind]

    @property
    def of_cells(self) -> list[dict[str, str]]:
        pairs = zip(self.rows, self.kinds, strict=True)
        return [row for row, kind in pairs if kind not in ("timing", "proposals")]

    @property
    def keys(self) -> list[tuple[str, str]]:
        return [(row["claim"], row["network"]) for row in self.rows]


def results_block(results: Path) -> str:
    """The block between the marks: the ledger, the systems of the first profile, links.

    ``results`` holds a folder per profile; ``mini`` comes first. A profile of other networks than
    the first one's is linked, not shown. Raises UserError when no profile has a report.
    """
    results = Path(results)
    profiles = sorted(
        (path.parent for path in results.glob("*/claims.md")),
        key=lambda folder: (folder.name != "mini", folder.name),
    )
    if not profiles:
        raise UserError(f"{results}: no report of any profile. `dvc repro` makes them.")
    ledgers = [_Ledger.read(folder) for folder in profiles]
    shown = [ledger for ledger in ledgers if ledger.keys == ledgers[0].keys]
    first = profiles[0]
    parts = [
        "## Claims of the talk and the paper",
        AT_PAPERS_SCALE,
        _at_papers_scale(shown[0]),
        _tally(shown),
        _side_by_side(shown, [ledger.of_cells for ledger in shown]),
        OF_PROPOSALS,
        _side_by_side(shown, [ledger.of("proposals") for ledger in shown], counted=True),
        LEGEND,
        f"## The three systems, in `{first.name}`",
        _systems(first),
        OF_SYSTEMS,
    ]
    if (first / FIGURE).exists():
        parts.append(f"![{FIGURE_ALT}]({results.name}/{first.name}/{FIGURE})")
    return "\n\n".join([*parts, "\n".join(_links(results.name, path.name) for path in profiles)])


def _noise(table: Path) -> str:
    """What a profile knows of the noise of training, on its largest network."""
    if not table.exists():
        return "noise of training not measured"
    noises = pd.read_csv(table)
    measured = noises[noises["experiment"] == "default"].iloc[-1]
    return (
        f"mAP of {measured['ours_n']} trainings of `default` {percent(measured['ours_map'])} ± "
        f"{percent(measured['ours_map_sd'])}"
    )


def _tally(ledgers: Sequence[_Ledger]) -> str:
    parts = []
    for ledger in ledgers:
        verdicts = [row["verdict"] for row in ledger.of_cells]
        counts = [f"{verdicts.count(v)} {_short(v)}" for v in Verdict if v in verdicts]
        ran = f"seeds: {ledger.seeds}, {ledger.noise}"
        parts.append(f"in `{ledger.profile}` ({ran}) {', '.join(counts)}")
    return f"On small networks, trained here: {'; '.join(parts)}."


def _side_by_side(
    ledgers: Sequence[_Ledger],
    of_profiles: Sequence[Sequence[dict[str, str]]],
    counted: bool = False,
) -> str:
    """The same claims of several profiles, a line each; ``counted`` ones have their n."""
    headers = ["claim", "paper"]
    for ledger in ledgers:
        headers += [f"`{ledger.profile}`", f"ours in `{ledger.profile}`"]
    rows = []
    for same_claim in zip(*of_profiles, strict=True):
        row = [same_claim[0]["claim"], same_claim[0]["paper"]]
        for words in same_claim:
            measured = counted and words[OURS] != EMPTY
            row += [_verdict(words["verdict"]), words[OURS] + f", n {words['n']}" * measured]
        rows.append(row)
    return markdown_table(headers, rows, ("claim", *headers[2::2]))


def _at_papers_scale(ledger: _Ledger) -> str:
    rows = [
        [
            *(row["claim"], row["network"], row["paper"]),
            *(_verdict(row["verdict"]), row[OURS], row["n"]),
        ]
        for row in ledger.of("timing")
    ]
    headers = ["claim", "network", "paper", "verdict", OURS, "n"]
    return markdown_table(headers, rows, ("claim", "network", "verdict"))


def _verdict(words: str) -> str:
    return f"{SIGNS[Verdict(words)][1]} {_short(words)}"


def _short(words: str) -> str:
    return SHORT.get(Verdict(words), words)


def _systems(folder: Path) -> str:
    rows = read_markdown_table((folder / "table_systems.md").read_text())
    headers = [
        header
        for header in rows[0]
        if header == "system" or header.startswith((SIDE_OF_PAPER, "ours "))
    ]
    cells = [[row[header] for header in headers] for row in rows]
    return markdown_table(headers, cells, ("system",))


def _links(results: str, profile: str) -> str:
    folder = f"{results}/{profile}"
    return (
        f"- `{profile}`: [every claim with its source]({folder}/claims.md), [all tables and "
        f"figures]({folder}), and `{folder}/report.html`, a page to open in a browser"
    )
