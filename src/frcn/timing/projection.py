"""Seconds of a whole training on VOC07, from measured parts and the published schedules."""

from collections.abc import Sequence

from frcn.timing.measurements import Row, median

TRAINVAL_IMAGES = 5011
"""VOC07 (FACTS §9)."""
FAST_RCNN_STEPS = 40000
"""FACTS §1.2."""
RCNN_STEPS = 70000
"""The snapshot that the original used (FACTS §2.3)."""
SPP_NET_STEPS = 90000
"""Three rates for 30,000 steps each (FACTS §3.4)."""


def fast_rcnn_training(steps: Sequence[float]) -> Row:
    """Projected training from the seconds of each repeat of a step."""
    note = f"{FAST_RCNN_STEPS} steps of {median(steps):.3g} s"
    return _row("fast_rcnn", [FAST_RCNN_STEPS * step for step in steps], note)


def rcnn_training(steps: Sequence[float], features: Sequence[float]) -> Row:
    """Projected training: of each repeat a step, and the features of a test image."""
    note = (
        f"{RCNN_STEPS} steps of {median(steps):.3g} s + features of {TRAINVAL_IMAGES} images at"
        f" {median(features):.3g} s (conv, fc6 and fc7 at test time); SVMs, box regressors, warping"
        " and disk not included"
    )
    return _row("rcnn", _sums(RCNN_STEPS, steps, TRAINVAL_IMAGES, features), note)


def spp_net_training(steps: Sequence[float], maps: Sequence[float]) -> Row:
    """Projected training: of each repeat a step, and the maps of a test image at five scales."""
    note = (
        f"maps of 2 × {TRAINVAL_IMAGES} images (with flipped ones) at five scales at"
        f" {median(maps):.3g} s + {SPP_NET_STEPS} steps of {median(steps):.3g} s; SVMs, box"
        " regressors and disk not included"
    )
    return _row("spp_net", _sums(SPP_NET_STEPS, steps, 2 * TRAINVAL_IMAGES, maps), note)


def _sums(
    steps: int, step_seconds: Sequence[float], images: int, image_seconds: Sequence[float]
) -> list[float]:
    """One projection for as many repeats as both parts have."""
    repeats = zip(step_seconds, image_seconds, strict=False)
    return [steps * step + images * image for step, image in repeats]


def _row(system: str, seconds: list[float], note: str) -> Row:
    return Row(
        system=system,
        phase="training",
        seconds=seconds,
        extrapolated=True,
        multiply_adds=None,
        note=note,
    )
