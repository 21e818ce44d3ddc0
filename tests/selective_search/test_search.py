import json
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
import twins
from hypothesis import given, settings
from hypothesis import strategies as st

from frcn.errors import UserError
from frcn.selective_search import PRESETS, Preset, selective_search
from frcn.selective_search.presets import ORDERS

SMALL = Preset(("hsv", "lab"), (5, 10), ("CTSF", "TSF"), min_side=3)


def as_set(boxes: np.ndarray) -> set[tuple[int, ...]]:
    return set(map(tuple, boxes.tolist()))


@settings(max_examples=100)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(0, 2**32 - 1),
    st.integers(1, 6),
    st.sampled_from(["fast", "quality", "single", "iccv11"]),
)
def test_boxes_are_inside_unique_and_their_set_is_no_matter_of_chance(
    height: int, width: int, seed: int, min_side: int, name: str
) -> None:
    image = twins.blobs(seed, height, width)
    preset = replace(PRESETS[name], min_side=min_side, k=(5, 20))
    boxes = selective_search(image, preset, seed)
    assert boxes.dtype == np.int16
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] - boxes[:, :2] >= min_side - 1).all()
    assert (boxes[:, 2] < width).all()
    assert (boxes[:, 3] < height).all()
    assert len(as_set(boxes)) == len(boxes)
    assert as_set(boxes) == as_set(selective_search(image, preset, seed + 1))
    assert boxes.tobytes() == selective_search(image, preset, seed).tobytes()
    if min(height, width) >= min_side:
        assert (0, 0, width - 1, height - 1) in as_set(boxes)


def test_another_seed_gives_another_order() -> None:
    image = twins.blobs(0, 60, 60)
    one, other = (selective_search(image, SMALL, seed) for seed in (0, 1))
    assert one.tolist() != other.tolist()


def test_two_processes_find_what_one_finds() -> None:
    images = [twins.blobs(seed, 40, 50) for seed in range(4)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(selective_search, images, [SMALL] * 4))
    for boxes, image in zip(found, images, strict=True):
        assert boxes.tobytes() == selective_search(image, SMALL).tobytes()


def test_a_square_on_a_plain_ground_is_found() -> None:
    image = np.full((80, 100, 3), 40, np.uint8)
    image[20:60, 30:75] = (30, 60, 220)
    for name in PRESETS:
        overlap = [
            np.prod(np.minimum([x2, y2], [74, 59]) - np.maximum([x1, y1], [30, 20]) + 1)
            / max((x2 - x1 + 1) * (y2 - y1 + 1), 45 * 40)
            for x1, y1, x2, y2 in selective_search(image, name).tolist()
        ]
        assert max(overlap) > 0.9, name


def test_a_flat_picture_is_one_box() -> None:
    for name in PRESETS:
        boxes = selective_search(np.full((30, 40, 3), 128, np.uint8), name)
        assert boxes.tolist() == [[0, 0, 39, 29]]


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1)])
def test_slivers_are_searched_too(shape: tuple[int, int]) -> None:
    image = twins.blobs(1, *shape)
    assert selective_search(image, "fast").shape == (0, 4)
    boxes = selective_search(image, replace(PRESETS["fast"], min_side=1))
    assert [0, 0, shape[1] - 1, shape[0] - 1] in boxes.tolist()


def test_noise_is_covered_by_regions_of_at_least_k_pixels() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    boxes = selective_search(noise, replace(PRESETS["fast"], min_side=1)).astype(int)
    assert len(boxes) > 10
    assert ((boxes[:, 2:] - boxes[:, :2] + 1).prod(axis=1) >= 50).all()


def test_a_picture_may_be_a_view() -> None:
    image = twins.blobs(3, 60, 60)
    view = image[::2, ::-1]
    assert as_set(selective_search(view, SMALL)) == as_set(selective_search(view.copy(), SMALL))


def test_long_pictures_get_wider_integers() -> None:
    boxes = selective_search(np.zeros((1, 40_000, 3), np.uint8), replace(SMALL, min_side=1))
    assert boxes.dtype == np.int32
    assert boxes.tolist() == [[0, 0, 39_999, 0]]


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (np.zeros((5, 6), np.uint8), "(5, 6) uint8"),
        (np.zeros((5, 6, 4), np.uint8), "(5, 6, 4) uint8"),
        (np.zeros((5, 6, 3), np.uint16), "(5, 6, 3) uint16"),
        (np.zeros((5, 6, 3)), "(5, 6, 3) float64"),
        (np.zeros((0, 6, 3), np.uint8), "(0, 6, 3) uint8"),
        (None, "NoneType"),
    ],
)
def test_a_wrong_picture_is_named_with_what_is_wanted(image: object, found: str) -> None:
    with pytest.raises(UserError) as caught:
        selective_search(image)
    assert found in str(caught.value)
    assert "(H, W, 3) uint8 in BGR order" in str(caught.value)


@pytest.mark.parametrize("seed", [-1, 0.5, None])
def test_a_wrong_seed_is_refused(seed: object) -> None:
    with pytest.raises(UserError, match="seed"):
        selective_search(np.zeros((5, 5, 3), np.uint8), "iccv11", seed)


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="fast, quality, iccv11"):
        selective_search(np.zeros((5, 5, 3), np.uint8), "best")


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"colour_spaces": ("hsv", "cmyk")}, "cmyk"),
        ({"similarities": ("CTX",)}, "X"),
        ({"similarities": ("",)}, "similarities"),
        ({"colour_spaces": ()}, "colour_spaces"),
        ({"k": ()}, "k is empty"),
        ({"k": (0,)}, "k > 0"),
        ({"sigma": -1}, "sigma >= 0"),
        ({"min_side": 0}, "min_side >= 1"),
    ],
)
def test_a_preset_names_its_own_mistake(changed: dict, named: str) -> None:
    with pytest.raises(UserError, match=named):
        replace(PRESETS["fast"], **changed)


def test_the_engine_needs_neither_torch_nor_pandas() -> None:
    code = (
        "import json, sys, frcn.selective_search;"
        "print(json.dumps([m for m in ('torch', 'pandas') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == []


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_every_order_has_the_same_boxes(height: int, width: int, seed: int) -> None:
    image = twins.blobs(seed, height, width)
    found = [selective_search(image, replace(SMALL, order=order), seed) for order in ORDERS]
    assert all(as_set(boxes) == as_set(found[0]) for boxes in found)
    assert len({boxes.shape for boxes in found}) == 1


def test_only_random_rank_depends_on_the_seed() -> None:
    image = twins.blobs(0, 60, 60)
    for order in set(ORDERS) - {"random_rank"}:
        preset = replace(SMALL, order=order)
        one, other = (selective_search(image, preset, seed) for seed in (0, 1))
        assert one.tobytes() == other.tobytes()
