"""What README.md shows of ``results/``: the ledger of all profiles side by side, and the systems.

It is narrow enough for a page on the web; everything else is a link away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from frcn.errors import UserError
from frcn.evaluation.verdict import Verdict
from frcn.report.page import SIGNS
from frcn.report.table import markdown_table, read_markdown_table

SHORT = {Verdict.NOT_DISTINGUISHABLE: "undecided"}
OURS = "ours [95 % interval]"
SIDE_OF_PAPER = "paper L: "
"""VGG16's columns, which the networks of small profiles are held against."""
FIGURE = "figures/timing_L.png"
FIGURE_ALT = (
    "Forward passes by phase at the paper's scale, and seconds per image, ours and the paper's"
)
LEGEND = (
    "Numbers are effects: the first setting that a claim names minus the second, in points of mAP, "
    "or seconds where it is about time; × is a ratio of seconds, ≈ one with an extrapolated side. "
    "In brackets 95 % intervals: of mAP from a paired bootstrap over the test images, at the "
    "paper's scale from repeats of the measurement. *Undecided*: not distinguishable at this size, "
    "because the interval holds both answers. * within the original's own noise: its author's "
    "re-runs of one setting gave 67.2 ± 0.2."
)
AT_PAPERS_SCALE = "At the paper's scale, where networks of its sizes are timed with random weights:"
OF_SYSTEMS = (
    "Paper: VGG16 on VOC07. In brackets: how many times faster than R-CNN. Only the directions of "
    "differences can be compared."
)


@dataclass(frozen=True)
class _Ledger:
    """A profile's claims as readers see them, in its order."""

    profile: str
    rows: list[dict[str, str]]
    at_papers_scale: list[bool]

    @classmethod
    def read(cls, folder: Path) -> "_Ledger":
        rows = read_markdown_table((folder / "claims.md").read_text())
        cells = pd.read_csv(folder / "claims.csv")["cells"]
        return cls(folder.name, rows, cells.str.startswith("timing-").tolist())

    def of(self, at_papers_scale: bool) -> list[dict[str, str]]:
        pairs = zip(self.rows, self.at_papers_scale, strict=True)
        return [row for row, is_at_scale in pairs if is_at_scale == at_papers_scale]

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
        _side_by_side(shown),
        LEGEND,
        f"## The three systems, in `{first.name}`",
        _systems(first),
        OF_SYSTEMS,
    ]
    if (first / FIGURE).exists():
        parts.append(f"![{FIGURE_ALT}]({results.name}/{first.name}/{FIGURE})")
    return "\n\n".join([*parts, "\n".join(_links(results.name, path.name) for path in profiles)])


def _tally(ledgers: Sequence[_Ledger]) -> str:
    parts = []
    for ledger in ledgers:
        verdicts = [row["verdict"] for row in ledger.of(at_papers_scale=False)]
        counts = [f"{verdicts.count(v)} {_short(v)}" for v in Verdict if v in verdicts]
        parts.append(f"in `{ledger.profile}` {', '.join(counts)}")
    return f"On small networks, trained here: {'; '.join(parts)}."


def _side_by_side(ledgers: Sequence[_Ledger]) -> str:
    headers = ["claim", "paper"]
    for ledger in ledgers:
        headers += [f"`{ledger.profile}`", f"ours in `{ledger.profile}`"]
    of_profiles = [ledger.of(at_papers_scale=False) for ledger in ledgers]
    rows = []
    for same_claim in zip(*of_profiles, strict=True):
        row = [same_claim[0]["claim"], same_claim[0]["paper"]]
        for words in same_claim:
            row += [_verdict(words["verdict"]), words[OURS]]
        rows.append(row)
    return markdown_table(headers, rows, ("claim", *headers[2::2]))


def _at_papers_scale(ledger: _Ledger) -> str:
    rows = [
        [row["claim"], row["paper"], _verdict(row["verdict"]), row[OURS]]
        for row in ledger.of(at_papers_scale=True)
    ]
    return markdown_table(["claim", "paper", "verdict", OURS], rows, ("claim", "verdict"))


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
