"""Compiled code never outlives an edit of the engine, in whatever file it is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import frcn.selective_search
from frcn.selective_search.compiled import discard_stale_code


def test_only_other_sources_discard(tmp_path: Path) -> None:
    (tmp_path / "engine.py").write_text("one = 1")
    compiled = tmp_path / "__pycache__" / "engine.f-1.py311.nbi"
    compiled.parent.mkdir()
    compiled.touch()
    discard_stale_code(tmp_path)
    assert not compiled.exists()
    compiled.touch()
    discard_stale_code(tmp_path)
    assert compiled.exists()
    (tmp_path / "engine.py").write_text("one = 2")
    discard_stale_code(tmp_path)
    assert not compiled.exists()


def test_an_edit_of_a_called_function_reaches_its_callers(tmp_path: Path) -> None:
    package = Path(frcn.selective_search.__file__).parent
    copy = tmp_path / "frcn" / "selective_search"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__", "boxes", "errors"):
        shutil.copy(package.parent / f"{name}.py", copy.parent)
    program = (
        "import numpy as np; from frcn.selective_search import segmentation, graph;"
        "image = np.zeros((4, 4, 3), np.float32); image[:, 2:] = 9;"
        "print(segmentation.segment(graph.bucketed_edges(image), 4, 4, 1, 1)[0].max())"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    environment.pop("NUMBA_CACHE_DIR", None)

    def run() -> str:
        return subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert run() == "1\n"
    # Every edge now joins a pixel with itself, so that nothing ever merges.
    graph = copy / "graph.py"
    text = graph.read_text()
    edited = text.replace(
        "return first, np.uint32(first + offsets[edge & np.uint32(3)])", "return first, first"
    )
    assert edited != text
    graph.write_text(edited)
    assert run() == "15\n"
