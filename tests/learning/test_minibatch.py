"""The tensors of a step against encoding really mirrored boxes and pixels by hand."""

import cv2
import numpy as np
import pytest

from frcn.config import Scales
from frcn.learning.hierarchical_sampling import SampledImage
from frcn.learning.minibatch import assemble
from frcn.learning.roidb import Pictures, TargetStatistics, build_roidb, target_statistics
from tiny_world import PREPROCESSING, open_source, write_world

SCALES = Scales(short_sides=[48, 72], max_size=90)
FACTORS = [1.0, 90 / 64]
"""Of 48 × 64 pictures; 72 on the short side would make the long side 96, above the cap."""


@pytest.fixture
def source(tmp_path):
    write_world(tmp_path, {"train": 3})
    return open_source(tmp_path, "train")


def some_samples(roidb, flips):
    samples = []
    for entry, (flipped, scale_index) in enumerate(zip(flips, (0, 1), strict=True)):
        fg = np.flatnonzero(roidb[entry].overlaps >= 0.5)[:6]
        bg = np.flatnonzero(roidb[entry].overlaps < 0.5)[:4]
        rois = np.concatenate([fg, bg])
        samples.append(SampledImage(entry, flipped, scale_index, rois, len(fg)))
    return samples


@pytest.mark.parametrize("flips", [(False, False), (True, False), (False, True), (True, True)])
def test_batch_equals_work_by_hand(source, flips):
    dataset, _ = source
    roidb = build_roidb([source], 40, 0.5)
    statistics = target_statistics(roidb, 2, True)
    samples = some_samples(roidb, flips)
    batch = assemble(samples, roidb, Pictures(roidb), SCALES, PREPROCESSING, statistics)
    rows = zip(batch.rois.numpy(), batch.labels.numpy(), batch.targets.numpy(), strict=True)
    for position, sample in enumerate(samples):
        mirror = (lambda b: [63 - b[2], b[1], 63 - b[0], b[3]]) if sample.flipped else list
        objects = dataset.annotation(sample.entry)
        for order, index in enumerate(sample.rois):
            roi, label, target = next(rows)
            plain = roidb[sample.entry].rois[index].astype(np.float64)
            box = np.array(mirror(plain))
            factor = FACTORS[sample.scale_index]
            np.testing.assert_allclose(roi, [position, *(box * factor)], rtol=1e-6)
            if order >= sample.foreground:
                assert label == 0
                assert (target == 0).all()
                continue
            # The object of the RoI's class is the only one of that class.
            assert label == roidb[sample.entry].labels[index]
            (goal,) = objects.boxes[objects.labels == label].astype(np.float64)
            goal = np.array(mirror(goal))
            size, goal_size = box[2:] - box[:2], goal[2:] - goal[:2]
            shift = ((goal[:2] + goal[2:]) / 2 - (box[:2] + box[2:]) / 2) / size
            raw = np.concatenate([shift, np.log(goal_size / size)])
            expected = (raw - statistics.mean[label]) / statistics.std[label]
            np.testing.assert_allclose(target, expected, rtol=1e-4, atol=1e-5)
    assert next(rows, None) is None
    assert batch.foreground.tolist() == batch.labels.nonzero().squeeze(1).tolist()


def test_pixels_are_mirrored_scaled_and_padded(source):
    dataset, _ = source
    roidb = build_roidb([source], 40, 0.5)
    batch = assemble(
        some_samples(roidb, (True, False)),
        roidb,
        Pictures(roidb),
        SCALES,
        PREPROCESSING,
        target_statistics(roidb, 2, True),
    )
    assert batch.images.shape == (2, 3, 68, 90)
    mirrored = np.empty((48, 64, 3))
    for x in range(64):
        mirrored[:, x] = dataset.image(0)[:, 63 - x]
    mirrored = (mirrored - PREPROCESSING.mean) / PREPROCESSING.std
    np.testing.assert_allclose(batch.images[0, :, :48, :64], mirrored.transpose(2, 0, 1), atol=1e-5)
    assert (batch.images[0, :, 48:] == 0).all()
    assert (batch.images[0, :, :, 64:] == 0).all()
    plain = (dataset.image(1) - np.array(PREPROCESSING.mean)) / PREPROCESSING.std
    scaled = cv2.resize(plain, None, fx=FACTORS[1], fy=FACTORS[1])
    np.testing.assert_allclose(batch.images[1], scaled.transpose(2, 0, 1), atol=1e-4)


def test_a_class_whose_targets_never_vary_has_target_zero(source):
    roidb = build_roidb([source], 40, 0.5)
    samples = some_samples(roidb, (False, False))
    rows = np.concatenate([roidb[s.entry].targets[s.rois[: s.foreground]] for s in samples])
    constant = TargetStatistics(np.tile(rows[0], (3, 1)), np.zeros((3, 4)))
    batch = assemble(samples, roidb, Pictures(roidb), SCALES, PREPROCESSING, constant)
    assert batch.targets.isfinite().all()
    np.testing.assert_allclose(batch.targets[0], 0, atol=1e-6)
