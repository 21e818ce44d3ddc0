"""The published VOC 2007 boxes of Fast R-CNN's demo come back, to the pixel, from ``iccv11``."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import loadmat

from frcn.selective_search import PRESETS, selective_search
from frcn.selective_search.colour_spaces import COLOUR_SPACES
from frcn.selective_search.graph import bucketed_edges
from frcn.selective_search.region_statistics import pixel_bins, region_statistics
from frcn.selective_search.segmentation import segment
from frcn.selective_search.smoothing import smooth

SIBLING = Path(__file__).parents[3] / "shared" / "data" / "voc07_demo"
DEMO = Path(os.environ.get("FRCN_VOC07_DEMO", SIBLING))


def picture_and_boxes(name: str) -> tuple[np.ndarray, np.ndarray]:
    boxes = loadmat(DEMO / f"{name}_boxes.mat")["boxes"].astype(np.int64)
    return cv2.imread(str(DEMO / f"{name}.jpg")), boxes


# Where the files are not, there is nothing to test: no test is better than a skipped one.
if DEMO.is_dir():

    @pytest.mark.parametrize("name", ["001551", "000004"])
    def test_the_published_list_comes_back(name: str) -> None:
        image, published = picture_and_boxes(name)
        boxes = selective_search(image, "iccv11")
        assert {tuple(box) for box in boxes.tolist()} == {tuple(box) for box in published.tolist()}
        np.testing.assert_array_equal(boxes, published)  # in the file's order, none twice

    @pytest.mark.parametrize("name", ["001551", "000004"])
    @pytest.mark.parametrize("space", PRESETS["iccv11"].colour_spaces)
    @pytest.mark.parametrize("k", PRESETS["iccv11"].k)
    def test_initial_regions_stand_in_the_published_list(name: str, space: str, k: float) -> None:
        image, published = picture_and_boxes(name)
        colours = COLOUR_SPACES[space](image)
        labels, _ = segment(bucketed_edges(smooth(colours, 0.8)), *image.shape[:2], k, k)
        initial = region_statistics(labels, pixel_bins(colours)).boxes
        assert {tuple(box) for box in initial.tolist()} <= {tuple(b) for b in published.tolist()}
