"""What the stage ``proposals`` says that its lists cover."""

from pathlib import Path

import pandas as pd

from frcn.report.cells import Cells

RECALLS = {
    "recall_50": "recall at IoU 0.5",
    "recall_70": "recall at IoU 0.7",
    "average_recall": "average recall",
}
"""The measures of what proposals cover, as readers call them."""


def read_recalls(folder: Path, cells: Cells) -> pd.DataFrame:
    """``<list>.csv`` of every proposal list, its test split's rows, with a column ``list``.

    Empty where no list of the profile's cells has been computed.
    """
    used = {cell.config.proposals.name: cell.config.test.split for cell in cells.cells.values()}
    frames = []
    for name, split in used.items():
        path = folder / f"{name}.csv"
        if path.exists():
            rows = pd.read_csv(path, dtype={"count": str})
            rows = rows[rows["split"] == split].drop(columns="split")
            rows.insert(0, "list", name)
            frames.append(rows)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
