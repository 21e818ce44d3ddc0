"""``frcn list``: its table, and what it says outside of the repository."""

from pathlib import Path

from frcn.cli import main
from frcn.listing import Listed, cells_table, published_maps
from frcn.report.paper import load_paper

CONF = Path(__file__).parents[1] / "conf"


def test_published_maps_by_experiment_and_network():
    published = published_maps(load_paper(CONF / "paper"))
    assert published["default"] == {"S": 57.1, "M": 59.2, "L": 66.9}
    assert published["rcnn"] == {"S": 58.5, "M": 60.2, "L": 66.0}
    assert published["nearest_dense"] == {"M": 57.7}
    assert "M" not in published["more_data"]


def test_cell_stands_beside_its_network_and_xs_beside_all():
    published = {"S": 57.1, "L": 66.9}
    cells = [
        Listed("mini", "XS-default", "XS", published, 56.24, "fresh"),
        Listed("voc07", "L-default", "L", published, None, "never run"),
        Listed("voc07", "M-default", "M", published, None, "stale"),
    ]
    assert cells_table(cells).splitlines() == [
        "profile  cell        paper mAP       our mAP  state",
        "mini     XS-default  S 57.1  L 66.9     56.2  fresh",
        "voc07    L-default   66.9                  –  never run",
        "voc07    M-default   –                     –  stale",
    ]


def test_outside_of_the_repository(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for command in (["list"], ["plan", "--profile", "mini"]):
        assert main(command) == 2
        assert "not the root of the frcn repository" in capsys.readouterr().err
