"""Rows come back as they went in, and no file stays behind."""

import numpy as np

from frcn.learning.example_store import ExampleStore


def test_rows_come_back_in_the_order_that_is_asked_for(tmp_path):
    rows = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)
    store = ExampleStore(tmp_path / "new", 5)
    assert store.add(rows[:4]).tolist() == [0, 1, 2, 3]
    assert store.add(rows[:0]).tolist() == []
    assert store.add(rows[4:]).tolist() == [4, 5, 6, 7, 8]
    found = store.read([8, 0, 3, 3])
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, rows[[8, 0, 3, 3]])
    assert store.read([]).shape == (0, 5)


def test_a_column_of_a_larger_array_is_kept_as_it_is(tmp_path):
    wide = np.arange(12, dtype=np.float32).reshape(3, 4)
    store = ExampleStore(tmp_path, 2)
    np.testing.assert_array_equal(store.read(store.add(wide[:, ::2])), wide[:, ::2])


def test_the_file_has_no_name(tmp_path):
    store = ExampleStore(tmp_path, 1)
    store.add(np.ones((3, 1), dtype=np.float32))
    assert not list(tmp_path.iterdir())
