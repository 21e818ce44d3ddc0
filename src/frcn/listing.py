"""Which cells are configured, and what their runs scored: the table of ``frcn list``."""

from pathlib import Path
from statistics import mean

from frcn.artefacts import read_json
from frcn.errors import UserError

HEADER = ("profile", "cell", "state", "mAP")


def list_cells(configs: Path, artefacts: Path) -> str:
    """A table of the cells of all profiles under ``configs``, with the mean mAP of their seeds.

    A cell counts as run when ``artefacts`` has a score of it; whether code or config changed
    since is for ``dvc status`` to say.

    Raises:
        UserError: there is no resolved config.
    """
    rows = [
        (profile.parent.name, path.stem, *_state(artefacts / profile.parent.name, path.stem))
        for profile in sorted(Path(configs).glob("*/profile.yaml"))
        for path in sorted(profile.parent.glob("*-*.yaml"))
    ]
    if not rows:
        raise UserError(
            f"{configs}: no resolved cells. `make reproduce` or `dvc repro` makes them."
        )
    widths = [max(len(row[column]) for row in [HEADER, *rows]) for column in range(len(HEADER))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in [HEADER, *rows]
    ]
    return "\n".join(lines)


def _state(artefacts: Path, cell: str) -> tuple[str, str]:
    scores = [
        read_json(path)["map_11pt"]
        for path in sorted((artefacts / "score").glob(f"{cell}-*/score.json"))
    ]
    if not scores:
        return "never run", "-"
    state = f"scored, {len(scores)} seed{'s' if len(scores) > 1 else ''}"
    # A test split without any object has no mAP.
    known = [score for score in scores if score is not None]
    return state, f"{mean(known):.1f}" if known else "-"
