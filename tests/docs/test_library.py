"""The snippets of docs/library.md run, one after the other, where a profile was run."""

import re
import shutil

import numpy as np

from frcn.data.testing import write_tiny_tree
from repository_copy import REPO


def test_every_snippet_runs(tiny_repository, tmp_path, monkeypatch):
    for name in ("configs", "artefacts"):
        (tmp_path / name).symlink_to(tiny_repository / name)
    shutil.copy(next(tiny_repository.glob("data/mini/JPEGImages/*.jpg")), tmp_path / "photo.jpg")
    write_tiny_tree(tmp_path / "VOCdevkit/VOC2007", {"test": 3})
    monkeypatch.chdir(tmp_path)
    page = (REPO / "docs/library.md").read_text()
    # The tiny tree has other classes than a reader's.
    for theirs, tiny in (("cat", "left"), ("dog", "right")):
        page = page.replace(f'"{theirs}"', f'"{tiny}"')
    values: dict = {}
    for snippet in re.findall(r"```python\n(.*?)```", page, re.S):
        exec(snippet, values)
    assert len(values["evaluation"].matches["left"].score) == 1  # NMS took one of two
    assert values["pooled"].shape == (1, 512, 7, 7)
    assert len(values["foreground"]) + len(values["background"]) <= 64
    rows = len(values["boxes"])
    assert values["scores"].shape == (rows, 9)
    assert values["found"].shape == (rows, 36)
    assert np.isfinite(values["scores"]).all()
