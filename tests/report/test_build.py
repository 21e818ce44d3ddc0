"""The folder as a whole: the page, the pictures, what is removed, what is refused."""

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from frcn.errors import UserError

PAGES = sorted((Path(__file__).parents[2] / "results").glob("*/report.html"))
LARGEST_PAGE = 8_000_000  # bytes


def test_the_page_is_self_contained_and_labelled(full):
    page = (full.build() / "report.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert "url(" not in page and "<script src" not in page
    images = re.findall(r"<img ([^>]*)>", page)
    assert images and all(re.search(r'alt="[^"]{20,}"', image) for image in images)
    headers = re.findall(r"<th ([^>]*)>", page)
    assert headers and all('scope="' in header for header in headers)
    places = [page.index(f'id="{name}"') for name in ("claims", "table-systems", "table-main")]
    assert sorted(places) == places and places[-1] < page.index('id="figures"')


def test_the_committed_pages_are_not_large():
    sizes = {page.parent.name: page.stat().st_size for page in PAGES}
    assert sizes.keys() >= {"mini", "bccd"}
    assert max(sizes.values()) < LARGEST_PAGE


def test_the_page_shows_the_papers_scale_in_tables_and_a_chart(full):
    full.write_timing()
    out = full.build()
    page = (out / "report.html").read_text()
    names = ("systems", "timing", "sgd_steps", "minibatch")
    assert all(f'id="table-{name}"' in page for name in names)
    alts = re.findall(r'alt="(Stacked bars of forward passes[^"]*)"', page)
    # fc6 and fc7 take 1 of 2 s; 0.4 of 1.4 s with SVD. The paper's: 142 of 316 and 41 of 212 ms.
    assert len(alts) == 1
    for words in (
        "Fast R-CNN, ours: 2 s, fc layers 50 % of the forward pass",
        "Fast R-CNN, paper: 0.316 s, fc layers 45 %",
        "Fast R-CNN, truncated SVD, ours: 1.4 s, fc layers 29 %",
        "R-CNN: ours ≈ 200 s per image, paper 47 s",
    ):
        assert words in alts[0]
    picture = cv2.imread(str(out / "figures" / "timing_L.png"))
    assert picture is not None and picture.std() > 10


def test_the_chart_needs_no_run_and_goes_with_its_measurements(world):
    world.configure("default")
    world.write_timing()
    out = world.build()
    assert [path.name for path in (out / "figures").glob("*")] == ["timing_L.png"]
    (world.root / "artefacts/timing/L.json").unlink()
    world.build()
    assert not list((out / "figures").glob("*")) and not (out / "timing.csv").exists()


def test_every_embedded_image_decodes(full):
    page = (full.build() / "report.html").read_text()
    found = re.findall(r'(?:src|href)="data:image/\w+;base64,([^"]+)"', page)
    # map, proposals, recall, loss; all six test pictures, once each; the contact sheet.
    assert len(found) == 11
    for text in found:
        data = np.frombuffer(base64.b64decode(text), np.uint8)
        assert cv2.imdecode(data, cv2.IMREAD_COLOR) is not None


def test_words_of_the_data_are_escaped_in_the_page(full):
    full.run("default", 60.0)
    path = full.root / "artefacts/mini/detect/XS-default-0/detect.json"
    path.write_text(path.read_text().replace("A processor", "<b>chip</b>"))
    page = (full.build() / "report.html").read_text()
    assert "<b>chip" not in page and "&lt;b&gt;chip" in page


def test_the_same_artefacts_give_the_same_bytes(full):
    first = {p.name: p.read_bytes() for p in full.build().rglob("*") if p.is_file()}
    second = {p.name: p.read_bytes() for p in full.build().rglob("*") if p.is_file()}
    assert first == second


def test_files_of_earlier_builds_go_and_those_of_other_stages_stay(full):
    out = full.build()
    stale = [
        out / "table_old.csv",
        out / "table_old.md",
        out / "figures" / "old.png",
        out / ".table_main-x1y2.csv",
    ]
    for path in [*stale, out / "notes.csv"]:
        path.write_text("old")
    full.build()
    assert not any(path.exists() for path in stale)
    assert (out / "notes.csv").exists()


def test_nothing_run_is_a_report_too(world):
    world.configure("default")
    world.configure("fc_only")
    out = world.build()
    assert "not run" in (out / "table_main.md").read_text()
    assert "No cell was run" in (out / "report.html").read_text()
    assert not list((out / "figures").glob("*"))


def test_several_networks_and_seeds_share_one_page(make_world):
    world = make_world("voc07")
    for network, value in (("S", 57.0), ("L", 67.0)):
        for seed in (0, 1):
            world.run("default", value + seed, seed, network)
            world.run("no_bbox_reg", value - 4, seed, network)
    out = world.build(seeds=[0, 1])
    names = {path.stem for path in (out / "figures").glob("*.png")}
    assert {"map", "loss", "precision_recall_S", "precision_recall_L"} <= names
    assert "S: default 57.5" in (out / "report.html").read_text()


def test_a_profile_without_configs_is_refused(world):
    with pytest.raises(UserError, match="no resolved config"):
        world.build()


def test_a_damaged_bootstrap_names_the_file(world):
    world.run("default", 60.0)
    path = world.root / "artefacts/mini/score/XS-default-0/bootstrap.npy"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(UserError, match="XS-default-0"):
        world.build()


def test_a_damaged_score_names_the_file(world):
    world.run("default", 60.0)
    path = world.root / "artefacts/mini/score/XS-default-0/score.json"
    path.write_text(path.read_text()[:50])
    with pytest.raises(UserError, match=r"score\.json"):
        world.build()
