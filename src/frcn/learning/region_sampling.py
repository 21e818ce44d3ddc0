"""Region-wise sampling: the RoIs of a batch come from all over the training set.

What R-CNN and SPP-net do (FACTS §2.3, §3.4), and what hierarchical sampling replaces: almost
every RoI of a batch lies in another image.
Letters: B RoIs of a batch.
"""

from dataclasses import dataclass

import numpy as np

from frcn.config import Sampling
from frcn.errors import UserError
from frcn.learning.roidb import RoiImage

STEPS_PER_POOL = 500
"""SPP-net draws the batches of so many steps from one pool of images (FACTS §3.4)."""
POOL_TIMES = 10
"""That pool offers at least so many times the windows that these steps need."""


@dataclass(frozen=True)
class SampledRegions:
    """B RoIs, background first, as (B,) arrays.

    Attributes:
        entries: int64 indices into the roidb.
        rois: int64 indices into the RoIs of the entry.
        flipped: bool, whether the picture is mirrored.
        scale_indices: int64, which of the training scales it is shown at.
        labels: int64, 0 for background.
    """

    entries: np.ndarray
    rois: np.ndarray
    flipped: np.ndarray
    scale_indices: np.ndarray
    labels: np.ndarray


class _Regions:
    """All foreground or background RoIs of a roidb, one after the other, image by image."""

    def __init__(self, chosen: list[np.ndarray]) -> None:
        self.counts = np.array([len(rois) for rois in chosen])
        self._starts = np.cumsum(self.counts) - self.counts
        self._rois = np.concatenate(chosen)

    def __len__(self) -> int:
        return len(self._rois)

    def locate(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The entries and RoIs of (B,) numbers below the length."""
        entries = np.searchsorted(self._starts + self.counts, numbers, side="right")
        return entries, self._rois[numbers]

    def of_entries(self, entries: np.ndarray) -> np.ndarray:
        """The numbers of all regions of some entries, in their order."""
        ranges = [np.arange(self._starts[e], self._starts[e] + self.counts[e]) for e in entries]
        return np.concatenate([np.zeros(0, dtype=np.int64), *ranges])


class RegionSampler:
    """R-CNN's: uniformly with replacement from all RoIs of the training set, half of them mirrored.

    ``fg_fraction`` of a batch is foreground. Its state can be saved and restored.
    """

    def __init__(
        self, roidb: list[RoiImage], sampling: Sampling, flip: bool, generator: np.random.Generator
    ) -> None:
        self._roidb = roidb
        self._flip = flip
        self._generator = generator
        self._foreground, self._background = _split(roidb, sampling)
        self._counts = _counts(sampling)

    def __next__(self) -> SampledRegions:
        kinds = (self._background, self._foreground)
        numbers = [
            self._generator.integers(len(regions), size=count)
            for regions, count in zip(kinds, self._counts, strict=True)
        ]
        flipped = self._generator.random(sum(self._counts)) < 0.5 * self._flip
        located = [r.locate(n) for r, n in zip(kinds, numbers, strict=True)]
        return _sampled(self._roidb, located, flipped, np.zeros(len(flipped), dtype=np.int64))

    def state(self) -> dict:
        """See ``checkpoint.Sampler``."""
        return {"generator": self._generator.bit_generator.state}

    def restore(self, state: dict) -> None:
        """See ``checkpoint.Sampler``."""
        self._generator.bit_generator.state = state["generator"]


class PooledRegionSampler:
    """SPP-net's: from a pool of random images that is drawn anew every 500 steps.

    Mirrored pictures are images of their own. Each window's scale is random. Where all images
    together offer fewer windows than the steps need, windows are drawn with replacement.
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
        self._images = len(roidb) * (2 if flip else 1)
        self._scales = scales
        self._generator = generator
        self._kinds = _split(roidb, sampling)[::-1]
        self._counts = _counts(sampling)
        self._fill()

    def __next__(self) -> SampledRegions:
        if self._cursor == STEPS_PER_POOL:
            self._fill()
        located, flipped = [], []
        for windows, regions, count in zip(self._windows, self._kinds, self._counts, strict=True):
            chosen = windows[self._cursor * count : (self._cursor + 1) * count]
            located.append(regions.locate(chosen // 2))
            flipped.append(chosen % 2 == 1)
        self._cursor += 1
        flips = np.concatenate(flipped)
        # From the window's place in the pool: what comes after a restore must not depend on it.
        scales = self._scale_indices[self._cursor - 1, : len(flips)]
        return _sampled(self._roidb, located, flips, scales)

    def _fill(self) -> None:
        """Draw the windows of the next steps: (steps · count,) numbers, doubled, odd if flipped."""
        self._filled_from = self._generator.bit_generator.state
        self._cursor = 0
        order = self._generator.permutation(self._images)
        entries = order % len(self._roidb)
        needed = [STEPS_PER_POOL * count for count in self._counts]
        offered = [np.cumsum(regions.counts[entries]) for regions in self._kinds]
        enough = [
            np.searchsorted(sums, POOL_TIMES * need) + 1
            for sums, need in zip(offered, needed, strict=True)
        ]
        pool = order[: max(enough)]
        self._windows = []
        for regions, need in zip(self._kinds, needed, strict=True):
            halves = [pool[pool < len(self._roidb)], pool[pool >= len(self._roidb)]]
            numbers = np.concatenate(
                [
                    2 * regions.of_entries(half % len(self._roidb)) + mirrored
                    for mirrored, half in enumerate(halves)
                ]
            )
            self._windows.append(self._generator.choice(numbers, need, replace=len(numbers) < need))
        self._scale_indices = self._generator.integers(
            self._scales, size=(STEPS_PER_POOL, sum(self._counts))
        )

    def state(self) -> dict:
        """See ``checkpoint.Sampler``."""
        return {"generator": self._filled_from, "cursor": self._cursor}

    def restore(self, state: dict) -> None:
        """See ``checkpoint.Sampler``."""
        self._generator.bit_generator.state = state["generator"]
        self._fill()
        self._cursor = state["cursor"]


def _split(roidb: list[RoiImage], sampling: Sampling) -> tuple[_Regions, _Regions]:
    """Foreground and background of all entries.

    Raises:
        UserError: there is none of a kind.
    """
    foreground = [np.flatnonzero(entry.overlaps >= sampling.fg_threshold) for entry in roidb]
    background = [
        np.flatnonzero(
            (entry.overlaps >= sampling.bg_threshold_low)
            & (entry.overlaps < sampling.bg_threshold_high)
        )
        for entry in roidb
    ]
    for kind, found in (("foreground", foreground), ("background", background)):
        if not any(map(len, found)):
            raise UserError(
                f"train.sampling: no RoI of the training images is {kind}. Give more"
                " train.proposals, or other thresholds."
            )
    return _Regions(foreground), _Regions(background)


def _counts(sampling: Sampling) -> tuple[int, int]:
    """Background and foreground RoIs of a batch."""
    foreground = round(sampling.fg_fraction * sampling.rois_per_batch)
    return sampling.rois_per_batch - foreground, foreground


def _sampled(
    roidb: list[RoiImage],
    located: list[tuple[np.ndarray, np.ndarray]],
    flipped: np.ndarray,
    scale_indices: np.ndarray,
) -> SampledRegions:
    (bg_entries, bg_rois), (fg_entries, fg_rois) = located
    fg_labels = [roidb[e].labels[r] for e, r in zip(fg_entries, fg_rois, strict=True)]
    labels = np.concatenate([np.zeros(len(bg_rois), dtype=np.int64), fg_labels])
    return SampledRegions(
        entries=np.concatenate([bg_entries, fg_entries]),
        rois=np.concatenate([bg_rois, fg_rois]),
        flipped=flipped,
        scale_indices=scale_indices,
        labels=labels.astype(np.int64),
    )
