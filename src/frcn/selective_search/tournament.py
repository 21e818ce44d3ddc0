"""A tournament tree: the largest of many values that change one at a time.

The tree is one float64 array: node 1 is the root, nodes 2i and 2i + 1 are below node i, and the
lower half of the array are the leaves, one for each slot. A node holds the larger of the two
below it, so a changed value costs one walk to the root.
"""

import numba
import numpy as np

EMPTY = -np.inf


@numba.njit(cache=True)
def make_tournament(n_slots: int) -> np.ndarray:
    """A tree of at least ``n_slots`` slots, all empty."""
    n_leaves = 1
    while n_leaves < n_slots:
        n_leaves *= 2
    return np.full(2 * n_leaves, EMPTY)


@numba.njit(cache=True)
def enter(tournament: np.ndarray, slot: int, value: float) -> None:
    """Give a slot a new value; ``EMPTY`` takes it out."""
    node = len(tournament) // 2 + slot
    tournament[node] = value
    while node > 1:
        node //= 2
        tournament[node] = max(tournament[2 * node], tournament[2 * node + 1])


@numba.njit(cache=True)
def winner(tournament: np.ndarray) -> int:
    """The slot of the largest value; of equals the first slot."""
    n_leaves = len(tournament) // 2
    node = 1
    while node < n_leaves:
        node *= 2
        if tournament[node] < tournament[node + 1]:
            node += 1
    return node - n_leaves


@numba.njit(cache=True)
def is_empty(tournament: np.ndarray, slot: int) -> bool:
    """Whether a slot holds no value."""
    return tournament[len(tournament) // 2 + slot] == EMPTY
