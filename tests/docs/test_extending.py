"""Every worked example of docs/extending.md, taken out of the page and done as it says.

Examples that need no code run in this process; those that edit the library run in a copy of the
source tree. All of them work on the tiny repository.
"""

import contextlib
import json
import re
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.io import savemat

from frcn.config import ProfileProposals, load
from frcn.data.testing import TINY_CLASSES, assert_is_dataset, write_tiny_tree
from frcn.data.voc import VOCDataset, open_split
from frcn.errors import UserError
from frcn.proposals.method import searched_at_width
from frcn.proposals.store import ProposalStore
from pipelines import configs, fetch, proposals
from pipelines.cells import cells_of
from pipelines.compose import compose_cell, compose_cells
from repository_copy import REPO, edit, run
from tiny_repository import copy_tiny_repository, run_stages, update

EXPERIMENT, OWN_DATA, NETWORK, VARIANT, METHOD = (
    "An experiment",
    "Your own data",
    "A network",
    "A variant of R-CNN or SPP-net",
    "A proposal method",
)
MOST_LINES = 10


def examples(section: str) -> list[str]:
    """The fenced blocks of a section, without the indentation that a list gives them."""
    page = (REPO / "docs/extending.md").read_text()
    (text,) = re.findall(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    blocks = re.findall(r"^( *)```\w*\n(.*?)^\1```$", text, re.M | re.S)
    return [textwrap.dedent(block) for _, block in blocks]


def save_experiment(repo: Path, text: str) -> str:
    """Save an experiment under the name that it gives itself; returns the name."""
    assert len(text.splitlines()) <= MOST_LINES
    name = yaml.safe_load(text)["experiment"]
    (repo / f"conf/experiment/{name}.yaml").write_text(text)
    return name


def rows(repo: Path) -> pd.DataFrame:
    """``cells.csv`` by network and experiment."""
    return pd.read_csv(repo / "results/mini/cells.csv").set_index(["network", "experiment"])


@pytest.fixture
def copy(tiny_repository, tmp_path):
    return copy_tiny_repository(tiny_repository, tmp_path / "copy")


def test_every_example_of_the_page_is_tried_here():
    page = (REPO / "docs/extending.md").read_text()
    tried = {EXPERIMENT: 1, OWN_DATA: 2, NETWORK: 1, VARIANT: 1, METHOD: 6}
    assert {name: len(examples(name)) for name in tried} == tried
    assert page.count("```") == 2 * sum(tried.values())


def test_experiment(copy):
    before = rows(copy)
    (text,) = examples(EXPERIMENT)
    name = save_experiment(copy, text)
    run_stages(copy, [name])
    after = rows(copy)
    assert after.loc[("XS", name), "train_seconds"] > 0
    assert after.loc[("XS", name), "fingerprint"] != "not run"
    pd.testing.assert_frame_equal(after.drop(index=("XS", name)), before)
    cell = compose_cell("mini", "XS", name, copy / "conf")
    default = compose_cell("mini", "XS", "default", copy / "conf")
    assert cell.train.sampling.fg_fraction == default.train.sampling.fg_fraction / 2
    trained = copy / "artefacts/mini/train"
    weights = [trained / f"XS-{e}-0/weights.safetensors" for e in (name, "default")]
    assert len({path.read_bytes() for path in weights}) == 2


def test_variant_of_rcnn(copy):
    (text,) = examples(VARIANT)
    name = save_experiment(copy, text)
    # R-CNN's time is that of the regions.
    update(copy / "conf/profile/mini.yaml", {"train": {"proposals": 40}})
    run_stages(copy, [name])
    cell = compose_cell("mini", "XS", name, copy / "conf")
    assert (cell.system, cell.train.regressor.ridge) == ("rcnn", 10000)
    assert rows(copy).loc[("XS", name), "fingerprint"] != "not run"


def write_photographs(folder: Path, names: list[str]) -> None:
    """The tiny tree with other class names: pictures as somebody may have them."""
    write_tiny_tree(folder, {"trainval": 4, "test": 3})
    for path in (folder / "Annotations").glob("*.xml"):
        for old, new in zip(TINY_CLASSES, names, strict=True):
            edit(path, f"<name>{old}</name>", f"<name>{new}</name>")


@pytest.fixture
def own(copy, monkeypatch):
    """The copy with the page's profile, and pictures where it looks for them."""
    layout, profile = examples(OWN_DATA)
    (copy / "conf/profile/own.yaml").write_text(profile)
    folder = copy / yaml.safe_load(profile)["data"]["source"]["path"]
    write_photographs(folder, yaml.safe_load(profile)["data"]["classes"])
    for line in layout.splitlines():
        pattern = re.sub("<.*?>", "*", line.split()[0])
        assert list(copy.glob(pattern)), f"{line}: no such file"
    monkeypatch.setenv(configs.PROFILE_VARIABLE, "own")
    monkeypatch.chdir(copy)
    return copy


def fetch_own() -> None:
    with cells_of("own"):
        configs.configs("own", Path("configs/own"))
    fetch.fetch(Path("configs/own/profile.yaml"), Path("data/own"))


def test_own_data(own):
    fetch_own()
    dataset = VOCDataset(Path("data/own"), "test", ["cat", "dog"])
    assert_is_dataset(dataset)
    assert len(dataset) == 3
    assert all(dataset.annotation(i).labels.tolist() == [1, 2] for i in range(3))
    assert set(compose_cells("own")) == {"XS-default", "XS-fc_only", "XS-svd"}


def test_own_data_from_a_variable_with_bad_objects_left_out(own, monkeypatch):
    (own / "my/photographs").rename(own / "elsewhere")
    monkeypatch.setenv("MY_PHOTOGRAPHS", str(own / "elsewhere"))
    profile = Path("conf/profile/own.yaml")
    edit(profile, "path: my/photographs", "path: $MY_PHOTOGRAPHS")
    edit(own / "elsewhere/Annotations/test_1.xml", "<name>cat</name>", "<name>bird</name>")
    with pytest.raises(UserError, match="bird"):
        fetch_own()
    changes = {"data": {"on_invalid": "skip"}, "train": {"scales": {"short_sides": [240]}}}
    update(profile, changes | {"recipe": {"proposals": {"max_width": 400}}})
    fetch_own()
    (skipped,) = json.loads(Path("data/own/manifest.json").read_text())["skipped"]
    assert skipped["file"].endswith("test_1.xml")
    cell = compose_cell("own", "XS", "default")
    assert cell.train.scales.short_sides == cell.test.scales.short_sides == [240]
    assert cell.proposals.max_width == 400


def test_imported_boxes(own):
    text = examples(METHOD)[5]
    name = yaml.safe_load(text)["name"]
    Path(f"conf/proposals/{name}.yaml").write_text(text)
    save_experiment(
        own,
        "# @package _global_\n"
        f"defaults: [_self_, override /proposals: {name}]\n"
        f"experiment: {name}\n",
    )
    for split, file in yaml.safe_load(text)["files"].items():
        cells = np.empty((1, 4 if split == "trainval" else 3), dtype=object)
        for i in range(cells.size):
            # y1 x1 y2 x2, counted from 1.
            cells[0, i] = np.array([[1, 2, 10, 20 + i], [3, 3, 9, 9]], dtype=np.float64)
        savemat(file, {"boxes": cells})
    fetch_own()
    config, out = Path(f"configs/own/proposals/{name}.yaml"), Path("artefacts/own/proposals")
    proposals.proposals(config, out / name, Path("artefacts/own/recall.csv"))
    imported = load(ProfileProposals, config)
    store = ProposalStore.open(
        out / name / "test.npy", open_split(imported.data, "test"), imported.proposals
    )
    assert store.boxes(2, 10).tolist() == [[1, 0, 21, 9], [2, 2, 8, 8]]


def test_network(copy):
    (builder,) = examples(NETWORK)
    networks = copy / "src/frcn/models/networks.py"
    edit(networks, "def _vgg(", f"{builder}\n\ndef _vgg(")
    edit(networks, '_BUILDERS = {"XS": _xs,', '_BUILDERS = {"XXS": _xxs, "XS": _xs,')
    schema = copy / "src/frcn/config/network.py"
    edit(schema, 'name: Literal["XS",', 'name: Literal["XXS", "XS",')
    folder = copy / "conf/network"
    (folder / "XXS.yaml").write_text((folder / "XS.yaml").read_text())
    update(folder / "XXS.yaml", {"name": "XXS"})
    update(copy / "conf/profile/mini.yaml", {"plan": {"networks": ["XS", "XXS"]}})
    run(copy, "tiny_repository", "default", OMP_NUM_THREADS="1")
    assert rows(copy).loc[("XXS", "default"), "fingerprint"] != "not run"
    detected = {
        name: json.loads((copy / f"artefacts/mini/detect/{name}-default-0/detect.json").read_text())
        for name in ("XS", "XXS")
    }
    assert detected["XXS"]["parameters"] < detected["XS"]["parameters"] / 2
    assert (copy / "artefacts/backbone/XXS-grid.safetensors").exists()


def test_proposal_method(copy):
    module, settings, entry, method, experiment, _ = examples(METHOD)
    package, config = copy / "src/frcn/proposals", copy / "src/frcn/config/proposals.py"
    (package / "corner_boxes.py").write_text(module)
    searches = "SEARCHES: dict[str, Callable[..., np.ndarray]] = {\n"
    edit(package / "method.py", searches, f"{searches}    {entry}")
    first = "from frcn.proposals.edge_boxes import"
    imported = "from frcn.proposals.corner_boxes import corner_boxes"
    edit(package / "method.py", first, f"{imported}\n{first}")
    edit(config, "class ImportedBoxes", f"{settings}\n\nclass ImportedBoxes")
    edit(config, "| EdgeBoxes", "| EdgeBoxes | CornerBoxes")
    (copy / "conf/proposals/corner_boxes.yaml").write_text(method)
    name = save_experiment(copy, experiment)
    run(copy, "tiny_repository", name, OMP_NUM_THREADS="1")
    assert rows(copy).loc[("XS", name), "fingerprint"] != "not run"
    # The store has what the page's function finds, inside the picture and without doubles.
    store = copy / f"artefacts/mini/proposals/{name}/test.npy"
    header = json.loads(store.with_suffix(".json").read_text())
    assert header["recipe"]["side"] == yaml.safe_load(method)["side"]
    namespace = {}
    exec(module, namespace)
    profile = load(ProfileProposals, copy / "configs/mini/proposals/selective_search.yaml")
    with contextlib.chdir(copy):
        image = open_split(profile.data, "test").image(0)
    side, most = header["recipe"]["side"], header["recipe"]["max_boxes"]
    wanted = searched_at_width(
        image, None, lambda picture: namespace["corner_boxes"](picture, side, most)
    )
    assert len(wanted) > 10
    assert np.load(store)[: header["offsets"][1]].tolist() == wanted.tolist()
