"""A table in two forms: numbers for programs (CSV), words for readers (Markdown, HTML)."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from frcn.artefacts import write_text

EMPTY = "–"
DECIMALS = 6
"""Of the numbers in CSV files."""


@dataclass(frozen=True)
class Table:
    """``frame`` has numbers in columns of their own; ``rows`` are the same for the eye.

    The columns of ``rows`` named in ``words`` are words, the rest numbers (aligned right).
    """

    name: str
    title: str
    source: str
    frame: pd.DataFrame
    headers: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)
    words: tuple[str, ...] = ()

    def markdown(self) -> str:
        """Title, table and notes as Markdown."""
        lines = [f"### {self.title}", "", markdown_table(self.headers, self.rows, self.words), ""]
        lines += [f"Published numbers: {self.source}.", ""] if self.source else []
        lines += [f"- {note}" for note in self.notes]
        return "\n".join(lines).rstrip() + "\n"

    def write(self, folder: Path) -> None:
        """Write ``table_<name>.csv`` and ``.md`` into a folder."""
        write_csv(folder / f"table_{self.name}.csv", self.frame)
        write_text(folder / f"table_{self.name}.md", self.markdown())


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame as CSV, whole or not at all; a missing number is an empty field."""
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))


def rounded(value: float | None) -> float:
    """A number as CSV files have it, NaN where there is none."""
    return np.nan if value is None else round(float(value), DECIMALS)


def markdown_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], words: Collection[str]
) -> str:
    """A Markdown table, padded so that it also reads well in a terminal."""
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in [headers, *rows]]
    widths = [max(3, *(len(row[i]) for row in escaped)) for i in range(len(headers))]

    def line(row: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if header in words else cell.rjust(width)
            for header, cell, width in zip(headers, row, widths, strict=True)
        ]
        return "| " + " | ".join(padded) + " |"

    rule = [
        "-" * (width + 2) if header in words else "-" * (width + 1) + ":"
        for header, width in zip(headers, widths, strict=True)
    ]
    return "\n".join([line(escaped[0]), "|" + "|".join(rule) + "|", *map(line, escaped[1:])])


def read_markdown_table(text: str) -> list[dict[str, str]]:
    """The rows of the first table that :func:`markdown_table` wrote into a text, by header."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
    ]
    headers, *rows = cells
    return [dict(zip(headers, row, strict=True)) for row in rows]


def percent(value: float | None) -> str:
    """One decimal, as the paper gives mAP."""
    return EMPTY if value is None or pd.isna(value) else f"{value:.1f}"


def signed(value: float | None, digits: int = 1) -> str:
    """With its sign, a true minus: ``+5.5`` or ``−0.3``."""
    if value is None or pd.isna(value):
        return EMPTY
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−")


def seconds(value: float | None) -> str:
    """Up to three significant digits until two minutes, then minutes, then hours."""
    if value is None or pd.isna(value):
        return EMPTY
    if value < 120:
        return f"{value:.3g} s"
    return f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.1f} h"


def signed_seconds(value: float | None) -> str:
    """:func:`seconds` with a sign."""
    if value is None or pd.isna(value):
        return EMPTY
    return ("−" if value < 0 else "+") + seconds(abs(value))


def times(value: float | None) -> str:
    """A ratio, such as ``×146`` or ``×0.697``."""
    if value is None or pd.isna(value):
        return EMPTY
    return f"×{value:,.0f}" if value >= 100 else f"×{value:.3g}"


def with_times(words: str, ratio: float | None) -> str:
    """Words, and in brackets how many times faster; the words alone without a ratio."""
    return words if ratio is None else f"{words} ({times(ratio)})"


def count(value: float | None) -> str:
    """Parameters in millions, or thousands of them."""
    if value is None or pd.isna(value):
        return EMPTY
    return f"{value / 1e6:.2f} M" if value >= 1e6 else f"{value / 1e3:.0f} k"
