"""Evaluation of detections: VOC's average precisions, intervals, error kinds, verdicts.

The names below are the public ones; each layer can be called alone.
"""

from frcn.evaluation.bootstrap import (
    bootstrap_map,
    interval,
    paired_difference,
    resample_weights,
)
from frcn.evaluation.error_breakdown import error_breakdown
from frcn.evaluation.nms_detections import nms_detections
from frcn.evaluation.result_files import read_result_files, write_result_files
from frcn.evaluation.score import score_result_files, score_run
from frcn.evaluation.verdict import Verdict, directional, equivalent
from frcn.evaluation.voc_ap import (
    ClassMatches,
    Evaluation,
    average_precision_11pt,
    average_precision_area,
    evaluate,
    match,
    precision_recall,
)

__all__ = [
    "ClassMatches",
    "Evaluation",
    "Verdict",
    "average_precision_11pt",
    "average_precision_area",
    "bootstrap_map",
    "directional",
    "equivalent",
    "error_breakdown",
    "evaluate",
    "interval",
    "match",
    "nms_detections",
    "paired_difference",
    "precision_recall",
    "read_result_files",
    "resample_weights",
    "score_result_files",
    "score_run",
    "write_result_files",
]
