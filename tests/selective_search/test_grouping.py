import numpy as np
import pytest
import twins
from hypothesis import given
from hypothesis import strategies as st

from frcn.selective_search import similarities
from frcn.selective_search.grouping import group
from frcn.selective_search.region_statistics import RegionStatistics
from frcn.selective_search.tournament import EMPTY, enter, is_empty, make_tournament, winner


def random_regions(seed: int, rows: int, columns: int) -> tuple[RegionStatistics, np.ndarray]:
    """Statistics of regions on a grid, and their neighbours; too varied for equal similarities."""
    generator = np.random.default_rng(seed)
    n = rows * columns
    sizes = generator.integers(5_000, 500_000, n)
    corners = generator.integers(0, 3000, (n, 2))
    boxes = np.concatenate([corners, corners + generator.integers(200, 4000, (n, 2))], axis=1)
    colour = generator.multinomial(sizes, generator.dirichlet(np.ones(25)))
    texture = generator.multinomial(4 * sizes, generator.dirichlet(np.ones(80)))
    columns_ = sizes.astype(np.int64), boxes.astype(np.int32)
    statistics = RegionStatistics(*columns_, colour.astype(np.int32), texture.astype(np.int32))
    pairs = twins.neighbours(np.arange(n).reshape(rows, columns))
    return statistics, np.array(pairs, np.int32).reshape(-1, 2)


def as_dictionaries(statistics: RegionStatistics) -> list[dict]:
    return [
        {"size": int(size), "box": box.tolist(), "colour": colour, "texture": texture}
        for size, box, colour, texture in zip(*statistics, strict=True)
    ]


@pytest.mark.parametrize("letters", ["CTSF", "TSF", "TS", "F", "S", "C"])
@pytest.mark.parametrize("shape", [(5, 6), (1, 9), (2, 1)])
def test_merges_are_those_of_the_twin(letters: str, shape: tuple[int, int]) -> None:
    for seed in range(3):
        statistics, pairs = random_regions(seed, *shape)
        boxes, parts = group(statistics, pairs, letters)
        wanted = twins.group(as_dictionaries(statistics), pairs.tolist(), letters)
        assert [set(pair) for pair in parts.tolist()] == wanted
        for (a, b), box in zip(parts, boxes[len(statistics.sizes) :], strict=True):
            assert box.tolist() == twins.joint_box(boxes[a].tolist(), boxes[b].tolist())


def test_one_region_is_its_own_hierarchy() -> None:
    statistics, pairs = random_regions(0, 1, 1)
    boxes, parts = group(statistics, pairs, "CTSF")
    np.testing.assert_array_equal(boxes, statistics.boxes)
    assert parts.shape == (0, 2)


def test_grouping_leaves_its_arguments_alone() -> None:
    statistics, pairs = random_regions(1, 3, 3)
    before = [column.copy() for column in (*statistics, pairs)]
    group(statistics, pairs, "CTSF")
    for old, new in zip(before, (*statistics, pairs), strict=True):
        np.testing.assert_array_equal(old, new)


def test_of_equals_the_first_pair_merges() -> None:
    statistics, pairs = random_regions(2, 1, 4)
    alike = statistics._replace(sizes=np.full(4, 10))
    _, parts = group(alike, pairs, "S")
    assert parts[0].tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(5))
def test_histogram_intersection_is_that_of_shares(seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = generator.integers(0, 1000, (2, 75)).astype(np.int32)
    fixed = np.empty((2, 75), np.int32)
    for counts, out in zip((a, b), fixed, strict=True):
        similarities.fixed_point_shares(counts, out)
    wanted = np.minimum(a / a.sum(), b / b.sum()).sum()
    assert similarities.histogram_intersection(*fixed) == pytest.approx(wanted, abs=75 / 2**22)


def test_size_and_fill_by_hand() -> None:
    left, right = np.array([0, 0, 3, 3], np.int32), np.array([6, 0, 9, 3], np.int32)
    # Two squares of 16 pixels, 2 apart, in an image of 100: their box has 40.
    assert similarities.size_similarity(16, 16, 100) == pytest.approx(0.68)
    assert similarities.fill_similarity(16, 16, left, right, 100) == pytest.approx(0.92)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(-3, 3) | st.none()), max_size=40))
def test_the_winner_is_the_first_of_the_largest(entries: list[tuple[int, int | None]]) -> None:
    tournament = make_tournament(7)
    values: dict[int, float] = {}
    for slot, value in entries:
        enter(tournament, slot, EMPTY if value is None else float(value))
        values[slot] = EMPTY if value is None else float(value)
        assert is_empty(tournament, slot) == (value is None)
    held = {slot: value for slot, value in values.items() if value > EMPTY}
    if held:
        assert winner(tournament) == min(held, key=lambda slot: (-held[slot], slot))
