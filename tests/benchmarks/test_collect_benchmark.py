"""The benchmark of ``collect`` on three cells: what it counts, not how long anything takes."""

from benchmarks import collect


def test_only_the_first_collection_writes(tmp_path):
    collect.write_cells(tmp_path, 3)
    rows = collect.collections(tmp_path, 3)
    # A run and the mean over its seeds for each cell, and the report.
    assert [row["runs written"] for row in rows] == [7, 0, 0]
    assert [row["collected"] for row in rows] == list(collect.COLLECTIONS)
    assert all(0 <= row["seconds within"] <= row["seconds of the process"] for row in rows)
