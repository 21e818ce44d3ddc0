"""VOC result files, ``comp4_det_<set>_<class>.txt``: reading any detector's, writing ours.

A line holds the image id, the score and the corners ``x1 y1 x2 y2``, 1-based and inclusive.
Between ``comp4`` and ``_det_`` a salt may stand, as in ``comp4-8123_det_test_car.txt``, by which
the original keeps concurrent runs apart. Source: FACTS §4.2.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from frcn.artefacts import write_text
from frcn.errors import UserError

COLUMNS = ("image_id", "class", "score", "x1", "y1", "x2", "y2")
FIELDS = "image id, score, x1, y1, x2, y2"
NAME = re.compile(r"comp4(?:[-_][\w-]+?)??_det_(?P<rest>.+)\.txt")


def find_image_set(folder: Path) -> str:
    """The one image set that the result files of a folder are about.

    Raises:
        UserError: no result file, or files of several sets. A set's name with an underscore
            can't be told from the class, it has to be given.
    """
    sets = {match["rest"].partition("_")[0] for _, match in _result_files(folder)}
    if len(sets) != 1:
        found = f"files of the sets {sorted(sets)}" if sets else "no result file"
        raise UserError(
            f"{folder}: {found}; wanted comp4_det_<set>_<class>.txt of one set. "
            "Name the folder with --results, and the set with --set."
        )
    return sets.pop()


def find_result_files(folder: Path, image_set: str) -> dict[str, Path]:
    """The result file of each class, classes in alphabetic order.

    Raises:
        UserError: no file of that set, or two files of one class.
    """
    files: dict[str, Path] = {}
    for path, match in _result_files(folder):
        name = match["rest"].removeprefix(f"{image_set}_")
        if name == match["rest"]:
            continue
        if name in files:
            raise UserError(
                f"{folder}: two result files of class {name!r}, {files[name].name} and "
                f"{path.name}; wanted one. Move one of them away."
            )
        files[name] = path
    if not files:
        raise UserError(
            f"{folder}: no file comp4_det_{image_set}_<class>.txt. Name the folder with "
            "--results, and the set with --set."
        )
    return dict(sorted(files.items()))


def read_result_files(
    folder: Path, image_set: str, ids: Collection[str], classes: Sequence[str]
) -> pd.DataFrame:
    """All detections in a folder, 0-based, columns as ``detections.parquet`` but float64.

    Rows keep the order of the lines, class after class.

    Args:
        folder: where the files lie.
        image_set: the ``<set>`` of their names.
        ids: the images of that set.
        classes: the classes to read; each must have a file.

    Raises:
        UserError: a file is missing, a line is malformed, or an image isn't in the set.
    """
    files = find_result_files(folder, image_set)
    for name in classes:
        if name not in files:
            raise UserError(
                f"{folder}: no result file of class {name!r}; wanted "
                f"comp4_det_{image_set}_{name}.txt (an empty one when nothing was detected)."
            )
    known = frozenset(ids)
    frames = [_read(files[name], name, image_set, known) for name in classes]
    return pd.concat(frames, ignore_index=True)


def write_result_files(
    detections: pd.DataFrame,
    classes: Iterable[str],
    image_set: str,
    folder: Path,
    faithful_rounding: bool = False,
) -> None:
    """Write a result file per class, an empty one for a class without detections.

    Args:
        detections: columns as ``detections.parquet``, 0-based, after NMS.
        classes: every class of the data set.
        image_set: the ``<set>`` of the names.
        folder: made if need be; files of the same names are replaced.
        faithful_rounding: scores with 3 decimals and corners with 1, as the original writes
            them; weak detections then tie at 0.000. Otherwise every digit of double
            precision.
    """
    by_class = dict(iter(detections.groupby("class", sort=False)))
    for name in classes:
        lines = _lines(by_class[name], faithful_rounding) if name in by_class else []
        write_text(Path(folder) / f"comp4_det_{image_set}_{name}.txt", "".join(lines))


def _lines(rows: pd.DataFrame, faithful_rounding: bool) -> list[str]:
    numbers = rows[list(COLUMNS[2:])].to_numpy(np.float64, copy=True)
    numbers[:, 1:] += 1
    score_format, corner_format = (".3f", ".1f") if faithful_rounding else ("", "")
    return [
        f"{image_id} {score:{score_format}} "
        + " ".join(f"{corner:{corner_format}}" for corner in corners)
        + "\n"
        for image_id, (score, *corners) in zip(rows["image_id"], numbers.tolist(), strict=True)
    ]


def _result_files(folder: Path) -> list[tuple[Path, re.Match[str]]]:
    if not Path(folder).is_dir():
        raise UserError(f"{folder}: not a folder; --results wants the folder of comp4_det_*.txt.")
    matches = ((path, NAME.fullmatch(path.name)) for path in sorted(Path(folder).iterdir()))
    return [(path, match) for path, match in matches if match]


def _read(path: Path, name: str, image_set: str, ids: frozenset[str]) -> pd.DataFrame:
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file; wanted lines of {FIELDS}.") from None
    rows = [(number, line.split()) for number, line in enumerate(lines, start=1) if line.strip()]
    for number, fields in rows:
        if len(fields) != len(COLUMNS) - 1:
            raise UserError(
                f"{path}, line {number}: found {len(fields)} fields, wanted 6: {FIELDS}."
            )
        if fields[0] not in ids:
            raise UserError(
                f"{path}, line {number}: image {fields[0]!r} isn't in the set {image_set!r}. "
                "Give the set that was detected on with --set."
            )
    numbers = _numbers(path, rows)
    numbers[:, 1:] -= 1
    frame = pd.DataFrame(numbers, columns=list(COLUMNS[2:]))
    frame.insert(0, "image_id", pd.Series([fields[0] for _, fields in rows], dtype="str"))
    frame.insert(1, "class", pd.Series([name] * len(rows), dtype="str"))
    return frame


def _numbers(path: Path, rows: Sequence[tuple[int, list[str]]]) -> np.ndarray:
    """(D, 5) scores and corners as they stand in the file."""
    try:
        numbers = np.array([fields[1:] for _, fields in rows], dtype=np.float64)
        if np.isfinite(numbers).all():
            return numbers.reshape(len(rows), len(COLUMNS) - 2)
    except ValueError:
        pass
    number, fields = next(row for row in rows if not _all_finite(row[1][1:]))
    raise UserError(
        f"{path}, line {number}: found {' '.join(fields[1:])!r}, wanted five finite numbers: "
        "score, x1, y1, x2, y2."
    )


def _all_finite(fields: Sequence[str]) -> bool:
    try:
        return bool(np.isfinite(np.array(fields, dtype=np.float64)).all())
    except ValueError:
        return False
