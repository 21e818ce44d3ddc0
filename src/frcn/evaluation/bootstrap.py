"""Paired bootstrap over test images: intervals of a mAP and of the difference of two.

A resample draws as many images as there are, with replacement; an image drawn w times counts
w times. The draws depend on the seed and the numbers of images and resamples alone, so that
the vectors of two cells on one test split are paired, entry by entry.

The intervals hold for the networks as trained: they contain the chance of which images were
in the test set, not that of the training seed.

Letters: B resamples, N images, K classes, D detections.
"""

from collections.abc import Mapping

import numba
import numpy as np

from frcn.evaluation.voc_ap import ClassMatches
from frcn.seeding import numpy_generator

LEVEL = 0.95


def resample_weights(seed: int, n_images: int, samples: int) -> np.ndarray:
    """(B, N) int32: how often each image is drawn in each resample; rows sum to N."""
    generator = numpy_generator(seed, "bootstrap", str(n_images), str(samples))
    chances = np.full(n_images, 1 / n_images)
    return generator.multinomial(n_images, chances, size=samples).astype(np.int32)


def bootstrap_map(matches: Mapping[str, ClassMatches], weights: np.ndarray) -> np.ndarray:
    """(B,) float64: the 11-point mAP of each resample in percent.

    A class without an object in a resample is left out of that resample's mean; where no class
    has one the entry is NaN, which :func:`interval` refuses.

    Args:
        matches: of each class, from :func:`frcn.evaluation.voc_ap.match`.
        weights: (B, N) from :func:`resample_weights`.
    """
    counted = [~of_class.ignored for of_class in matches.values()]
    images = [m.image[keep] for m, keep in zip(matches.values(), counted, strict=True)]
    tp = [m.tp[keep] for m, keep in zip(matches.values(), counted, strict=True)]
    positives = np.stack([m.n_positives for m in matches.values()], axis=1)
    return _resampled_map(
        np.ascontiguousarray(weights, dtype=np.int32),
        np.concatenate(images).astype(np.int32),
        np.concatenate(tp),
        np.cumsum([0, *(len(of_class) for of_class in images)]),
        weights.astype(np.int64) @ positives,
    )


def interval(samples: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """The central percentile interval of (B,) samples: low and high.

    Raises:
        ValueError: there is no sample, or one is NaN.
    """
    samples = np.asarray(samples, dtype=np.float64)
    if not samples.size or np.isnan(samples).any():
        raise ValueError("an interval needs samples, none of them NaN")
    tail = 50 * (1 - level)
    low, high = np.percentile(samples, [tail, 100 - tail])
    return float(low), float(high)


def paired_difference(samples: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """(B,) differences ``samples - baseline`` of two cells, resample by resample.

    Several seeds of a cell may be given as (seeds, B); they are averaged first.

    Raises:
        ValueError: the numbers of resamples differ.
    """
    samples = np.atleast_2d(samples).mean(axis=0)
    baseline = np.atleast_2d(baseline).mean(axis=0)
    if samples.shape != baseline.shape:
        raise ValueError(f"{len(samples)} and {len(baseline)} resamples can't be paired")
    return samples - baseline


@numba.njit(cache=True)
def _resampled_map(
    weights: np.ndarray,
    image: np.ndarray,
    tp: np.ndarray,
    starts: np.ndarray,
    positives: np.ndarray,
) -> np.ndarray:
    """``image``, ``tp``: counted detections, class after class; ``starts`` (K+1,) their bounds.

    ``positives`` (B, K): objects to be found in each resample.
    """
    means = np.empty(len(weights))
    for b in range(len(weights)):
        total = 0.0
        n_classes = 0
        for k in range(positives.shape[1]):
            if positives[b, k] > 0:
                first, last = starts[k], starts[k + 1]
                total += _average_precision_11pt(
                    weights[b], image[first:last], tp[first:last], positives[b, k]
                )
                n_classes += 1
        means[b] = 100 * total / n_classes if n_classes else np.nan
    return means


@numba.njit(cache=True)
def _average_precision_11pt(
    weights: np.ndarray, image: np.ndarray, tp: np.ndarray, positives: int
) -> float:
    best = np.zeros(11)
    true = 0
    false = 0
    for d in range(len(image)):
        weight = weights[image[d]]
        if not tp[d]:
            false += weight
        elif weight > 0:
            # Precision at a recall is highest right after the true positive that reached it.
            true += weight
            level = 10 * true // positives
            best[level] = max(best[level], true / (true + false))
    for level in range(9, -1, -1):
        best[level] = max(best[level], best[level + 1])
    return best.mean()
