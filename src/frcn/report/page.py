"""The page: one HTML file that opens offline, with every image inside it."""

import base64
import hashlib
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import jinja2
from markupsafe import Markup, escape

from frcn.evaluation.error_breakdown import KINDS
from frcn.evaluation.verdict import Verdict
from frcn.report.comparison import Comparison
from frcn.report.sort_key import sort_key
from frcn.report.table import Table
from frcn.report.vector import TEXT

TEMPLATES = Path(__file__).parent / "templates"
# A sign beside the word and the colour, for readers who do not tell the colours apart.
SIGNS = {
    Verdict.REPRODUCED: ("good", "✓"),
    Verdict.CONTRADICTED: ("bad", "✗"),
    Verdict.NOT_DISTINGUISHABLE: ("open", "?"),
    Verdict.TOO_FEW_RUNS: ("open", "…"),
    Verdict.NOT_RUN: ("none", "–"),
}


UNBROKEN = Markup('<span class="whole">{}</span>')


@dataclass(frozen=True)
class Image:
    """An image of the results folder, ``path`` relative to it; a ``file`` is not on the page."""

    path: Path
    caption: str
    alt: str
    kind: Literal["chart", "sheet", "file"]


def render_page(
    profile: str,
    claims: Table,
    tables: Sequence[Table],
    images: Sequence[Image],
    folder: Path,
    provenance: Sequence[tuple[str, str]],
    classes: Sequence[str],
    comparison: Comparison | None,
) -> str:
    """The page as HTML; the files of ``images`` are read from ``folder`` and embedded.

    ``provenance`` are pairs of a name and a value.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = _unbroken
    verdicts = claims.frame["verdict"].tolist()
    style, script = ((TEMPLATES / f"report.{kind}").read_text() for kind in ("css", "js"))
    return environment.get_template("report.html.j2").render(
        profile=profile,
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        claims=claims,
        origins=claims.frame.to_dict("records"),
        tally=[
            (str(verdict), *SIGNS[verdict], verdicts.count(verdict))
            for verdict in Verdict
            if verdict in verdicts
        ],
        signs={str(verdict): sign for verdict, sign in SIGNS.items()},
        sort_key=sort_key,
        tables=tables,
        images={kind: _embedded(images, kind, folder) for kind in ("chart", "sheet")},
        provenance=provenance,
        classes=classes,
        kinds=KINDS,
        comparison=comparison,
        text_size=TEXT,
    )


def _unbroken(text: str) -> Markup:
    """The text, whose systems' names no narrow column breaks at the hyphen."""
    return (
        escape(text)
        .replace("R-CNN", UNBROKEN.format("R-CNN"))
        .replace("SPP-net", UNBROKEN.format("SPP-net"))
    )


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy: this style sheet, this script, embedded images, nothing else."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _embedded(images: Sequence[Image], kind: str, folder: Path) -> list[dict]:
    return [
        {"uri": _data_uri(folder / image.path), "caption": image.caption, "alt": image.alt}
        for image in images
        if image.kind == kind
    ]


def _data_uri(path: Path) -> str:
    mime, _ = mimetypes.guess_type(path.name)
    return f"data:{mime};base64,{base64.b64encode(path.read_bytes()).decode()}"
