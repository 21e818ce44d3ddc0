"""The generated block of README.md: putting it in, and the check for drift."""

from pathlib import Path

from frcn.artefacts import write_text
from frcn.errors import UserError
from frcn.report.readme_block import results_block

BEGIN = "<!-- results:begin -->"
END = "<!-- results:end -->"


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
