"""Scoring: from raw detections of a run, or from anyone's result files, to the artefacts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from frcn.artefacts import atomic_path, write_json, write_text
from frcn.config import Score
from frcn.data.voc import VOCDataset, annotation_path, read_image_set
from frcn.data.voc_xml import read_tree
from frcn.errors import UserError
from frcn.evaluation.bootstrap import bootstrap_map, interval, resample_weights
from frcn.evaluation.error_breakdown import error_breakdown
from frcn.evaluation.nms_detections import nms_detections
from frcn.evaluation.result_files import COLUMNS, find_result_files, read_result_files
from frcn.evaluation.voc_ap import MIN_OVERLAP, ClassMatches, Evaluation, evaluate

CURVE_POINTS = 200
"""At most so many points of a class's precision-recall curve are written."""


def score_run(
    detections_parquet: Path,
    dataset: VOCDataset,
    score: Score,
    out: Path,
    proposals: Mapping[str, float | None],
) -> dict:
    """NMS, evaluation and bootstrap of one run; writes score.json, curves.csv, bootstrap.npy.

    AP, mAP and bounds are in percent, null where no class has an object; recall and precision
    of the curves are fractions. Objects are counted without the difficult ones.

    Args:
        detections_parquet: raw detections, columns image_id, class, score, x1, y1, x2, y2.
        dataset: the test split.
        score: thresholds, the bootstrap's size and seed, and which classes are similar.
        out: folder of the three files, made if need be.
        proposals: what the cell's proposals cover, copied into score.json.

    Returns:
        The content of score.json.

    Raises:
        UserError: the Parquet file is missing or damaged, lacks a column, or names an unknown
            image or class.
    """
    detections = nms_detections(_read_parquet(detections_parquet), score.nms)
    evaluation = evaluate(detections, dataset, score.min_overlap)
    weights = resample_weights(score.seed, len(dataset), score.bootstrap_samples)
    samples = bootstrap_map(evaluation.matches, weights)
    # A tiny test split may give a resample without any object: then there is no interval.
    low, high = (None, None) if np.isnan(samples).any() else interval(samples)
    similar = {name: score.similar(name) for name in dataset.classes}
    result = {
        "map_11pt": evaluation.map_11pt,
        "map_area": evaluation.map_area,
        "low": low,
        "high": high,
        "ap": evaluation.ap,
        "ap_area": evaluation.ap_area,
        "n_test_images": evaluation.n_images,
        "n_objects": evaluation.n_objects,
        **proposals,
        "errors": error_breakdown(evaluation.matches, dataset, similar),
    }
    write_json(Path(out) / "score.json", result)
    write_text(Path(out) / "curves.csv", _curves(evaluation.matches).to_csv(index=False))
    with atomic_path(Path(out) / "bootstrap.npy") as temporary:
        np.save(temporary, samples)
    return result


def score_result_files(
    results: Path, tree: Path, image_set: str, classes: Sequence[str] | None = None
) -> tuple[Evaluation, list[str]]:
    """Evaluate VOC result files against a devkit tree; it needs the annotations only.

    Args:
        results: folder of ``comp4_det_<set>_<class>.txt``.
        tree: the VOC devkit tree.
        image_set: the set to score on.
        classes: the classes to score; by default those that have a result file.

    Returns:
        The evaluation, and the classes that have annotated objects but weren't scored.

    Raises:
        UserError: see :func:`frcn.evaluation.result_files.read_result_files`.
    """
    ids = read_image_set(Path(tree), image_set)
    scored = list(dict.fromkeys(classes or find_result_files(results, image_set)))
    detections = read_result_files(results, image_set, ids, scored)
    others = sorted(_annotated_classes(Path(tree), ids).difference(scored))
    dataset = VOCDataset(Path(tree), image_set, [*scored, *others])
    return evaluate(detections, dataset, MIN_OVERLAP, scored), others


def _annotated_classes(tree: Path, ids: Sequence[str]) -> set[str]:
    """The classes of all objects of some images."""
    names = set()
    for image_id in ids:
        path = annotation_path(tree, image_id)
        try:
            elements = read_tree(path).iterfind("object/name")
        except UserError as error:
            raise UserError(f"{path}: {error}. Mend or restore the annotation.") from None
        names |= {(element.text or "").strip() for element in elements}
    return names


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        detections = pd.read_parquet(path)
    except FileNotFoundError:
        raise UserError(f"{path}: not found. `dvc repro` makes it (stage detect).") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: no readable Parquet file ({error}). Delete it.") from None
    missing = [column for column in COLUMNS if column not in detections]
    if missing:
        raise UserError(f"{path}: columns {missing} are missing; wanted {list(COLUMNS)}.")
    return detections


def _curves(matches: Mapping[str, ClassMatches]) -> pd.DataFrame:
    """Points of each class's curve, at true positives only: there precision peaks."""
    rows = []
    for name, of_class in matches.items():
        points = np.flatnonzero(of_class.tp)
        if len(points) > CURVE_POINTS:
            points = points[np.linspace(0, len(points) - 1, CURVE_POINTS).astype(int)]
        if len(points):
            recall, precision = of_class.precision_recall()
            numbers = np.stack([recall, precision, of_class.score], axis=1)[points]
            rows += [(name, *point) for point in numbers.tolist()]
    return pd.DataFrame(rows, columns=["class", "recall", "precision", "score"])


def format_evaluation(evaluation: Evaluation) -> str:
    """A plain-text table: AP of each class and mAP, in percent with two decimals."""
    width = max(len("class"), *(len(name) for name in evaluation.matches))
    lines = [f"{'class':{width}}  AP 11pt  AP area  objects  detections"]
    for name, of_class in evaluation.matches.items():
        lines.append(
            f"{name:{width}}  {_percent(evaluation.ap[name])}  "
            f"{_percent(evaluation.ap_area[name])}  {of_class.n_objects:7}  "
            f"{len(of_class.score):10}"
        )
    lines.append(
        f"{'mAP':{width}}  {_percent(evaluation.map_11pt)}  {_percent(evaluation.map_area)}"
    )
    if None in evaluation.ap.values():
        lines.append("–: no object to be found in this set; left out of the mean.")
    return "\n".join(lines)


def _percent(value: float | None) -> str:
    return f"{'–' if value is None else format(value, '.2f'):>7}"
