"""Hierarchical sampling: first images, then RoIs of each (paper §2.3; FACTS §1.7)."""

from dataclasses import dataclass

import numpy as np

from frcn.config import Sampling
from frcn.learning.roidb import RoiImage


@dataclass(frozen=True)
class SampledImage:
    """One image of a mini-batch.

    Attributes:
        entry: index into the roidb.
        flipped: whether the picture is mirrored.
        scale_index: which of the training scales it is shown at.
        rois: (r,) int64 indices of the chosen RoIs, foreground first.
        foreground: how many of them are foreground.
    """

    entry: int
    flipped: bool
    scale_index: int
    rois: np.ndarray
    foreground: int


class HierarchicalSampler:
    """Draws mini-batches without end; its state can be saved and restored.

    Images come from a random permutation of all entries and, with ``flip``, their mirrored
    twins. A permutation is dropped as soon as at most one batch of it is left, as in the
    original. There is no grouping by aspect ratio.
    """

    def __init__(
        self,
        roidb: list[RoiImage],
        sampling: Sampling,
        flip: bool,
        scales: int,
        generator: np.random.Generator,
    ) -> None:
        self._roidb = roidb
        self._sampling = sampling
        self._entries = len(roidb) * (2 if flip else 1)
        self._scales = scales
        self._generator = generator
        self._permutation = generator.permutation(self._entries)
        self._cursor = 0

    def __next__(self) -> list[SampledImage]:
        count = self._sampling.images_per_batch
        if self._cursor + count >= self._entries:
            self._permutation = self._generator.permutation(self._entries)
            self._cursor = 0
        chosen = self._permutation[self._cursor : self._cursor + count]
        self._cursor += count
        scales = self._generator.integers(self._scales, size=len(chosen))
        return [
            self._sample(int(entry), int(scale))
            for entry, scale in zip(chosen, scales, strict=True)
        ]

    def _sample(self, entry: int, scale_index: int) -> SampledImage:
        index = entry % len(self._roidb)
        fg, bg = sample_rois(self._roidb[index].overlaps, self._sampling, self._generator)
        return SampledImage(
            entry=index,
            flipped=entry >= len(self._roidb),
            scale_index=scale_index,
            rois=np.concatenate([fg, bg]),
            foreground=len(fg),
        )

    def state(self) -> dict:
        """Everything that decides the batches to come, as JSON-able values."""
        return {
            "generator": self._generator.bit_generator.state,
            "permutation": self._permutation.tolist(),
            "cursor": self._cursor,
        }

    def restore(self, state: dict) -> None:
        """Continue from ``state()`` of a sampler over the same roidb."""
        self._generator.bit_generator.state = state["generator"]
        self._permutation = np.array(state["permutation"])
        self._cursor = state["cursor"]


def sample_rois(
    overlaps: np.ndarray, sampling: Sampling, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Foreground and background RoIs of one image, as indices into (R,) ``overlaps``.

    A shortage of foreground is filled with background; a shortage of background is not filled.
    """
    wanted = sampling.rois_per_batch // sampling.images_per_batch
    fg = np.flatnonzero(overlaps >= sampling.fg_threshold)
    bg = np.flatnonzero(
        (overlaps >= sampling.bg_threshold_low) & (overlaps < sampling.bg_threshold_high)
    )
    fg_count = min(round(sampling.fg_fraction * wanted), len(fg))
    bg_count = min(wanted - fg_count, len(bg))
    return (
        generator.choice(fg, fg_count, replace=False),
        generator.choice(bg, bg_count, replace=False),
    )
