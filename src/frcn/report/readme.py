"""The block of README.md that is generated from ``results/``, and the check for drift."""

from pathlib import Path

from frcn.artefacts import write_text
from frcn.errors import UserError

BEGIN = "<!-- results:begin -->"
END = "<!-- results:end -->"
FIGURES = {
    "figures/timing_L.png": "Forward passes by phase at the paper's scale, and seconds per image",
    "figures/map.png": "mAP of every experiment with its 95 % interval",
    "figures/proposals_XS.png": "mAP and average recall against the number of boxes per image",
    "figures/sample_median.jpg": "Detections on the test picture of median quality",
}
TABLES = ("systems", "main", "multitask")


def results_block(results: Path) -> str:
    """The block between the marks: each profile's claims and main tables, the first's figures.

    ``results`` holds a folder per profile; ``mini`` comes first. Raises UserError when there is
    no profile with a report.
    """
    results = Path(results)
    profiles = sorted(
        (path.parent for path in results.glob("*/claims.md")),
        key=lambda folder: (folder.name != "mini", folder.name),
    )
    if not profiles:
        raise UserError(f"{results}: no report of any profile. `dvc repro` makes them.")
    parts = []
    for folder in profiles:
        parts += [f"## Results: `{folder.name}`", (folder / "claims.md").read_text().rstrip()]
        parts += [(folder / f"table_{name}.md").read_text().rstrip() for name in TABLES]
        if folder == profiles[0]:
            parts += [
                f"![{alt}]({results.name}/{folder.name}/{name})"
                for name, alt in FIGURES.items()
                if (folder / name).exists()
            ]
        page = f"{results.name}/{folder.name}/report.html"
        parts.append(f"All tables and figures: [`{page}`]({page}).")
    return "\n\n".join(parts)


def update_readme(readme: Path, results: Path) -> None:
    """Replace the block in a README by the one that ``results`` gives now.

    Raises:
        UserError: the marks are missing, or there are no results.
    """
    write_text(readme, _replaced(Path(readme), results))


def readme_drifted(readme: Path, results: Path) -> bool:
    """Whether the README's block differs from what ``results`` gives; errors as above."""
    return Path(readme).read_text() != _replaced(Path(readme), results)


def _replaced(readme: Path, results: Path) -> str:
    text = readme.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError(f"{readme}: wanted a line {BEGIN} and later a line {END}. Put them back.")
    return f"{before}{BEGIN}\n{results_block(results)}\n{END}{after}"
