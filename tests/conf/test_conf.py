import re
import shutil
import tarfile
from pathlib import Path

import pytest
import yaml
from torchvision.datasets.voc import DATASET_YEAR_DICT
from torchvision.models import VGG16_Weights

from frcn.config import Cell, Network, Profile, validate
from frcn.errors import UserError
from frcn.proposals.dense import dense_windows
from pipelines.cells import cells_text
from pipelines.compose import (
    compose_cell,
    compose_cells,
    compose_network,
    compose_profile,
    names,
    proposal_lists,
    resolved_yaml,
)
from tiny_repository import update

CONF = Path(__file__).parents[2] / "conf"
OWN = """\
# @package _global_
defaults: [/recipe: small, _self_]
profile: own
plan: {networks: [XS], without: [more_data]}
data:
  source: {kind: folder, path: my/photographs}
  classes: [cat, dog]
  splits: {trainval: trainval, test: test}
"""
LONGEST_EXPERIMENT = 10


@pytest.fixture
def conf(tmp_path):
    """A copy of conf/ to change, with few experiments so that composing it is quick."""
    shutil.copytree(CONF, tmp_path / "conf")
    for path in (tmp_path / "conf/experiment").glob("*.yaml"):
        if path.stem not in ("default", "svd", "fc_only"):
            path.unlink()
    return tmp_path / "conf"


def test_every_cell_composes_and_survives_a_round_trip(composed_cell):
    again = validate(Cell, yaml.safe_load(resolved_yaml(composed_cell)), "resolved")
    assert again == composed_cell


@pytest.mark.parametrize("profile", names("profile", CONF))
def test_every_profile_composes(profile):
    assert compose_profile(profile, CONF).profile == profile


@pytest.mark.parametrize("network", names("network", CONF))
def test_every_network_composes(network):
    assert compose_network(network, CONF).name == network


@pytest.mark.parametrize("experiment", names("experiment", CONF))
def test_experiment_files_are_small_and_say_what_they_are(experiment):
    text = (CONF / f"experiment/{experiment}.yaml").read_text()
    assert len(text.splitlines()) <= LONGEST_EXPERIMENT
    assert "# Paper: " in text
    assert "Cost: " in text


def test_the_profiles_have_the_experiments_of_the_issue():
    mini = {cell.experiment for cell in compose_cells("mini", CONF).values()}
    named = {
        *("default", "fc_only", "conv2_up", "no_bbox_reg", "multitask_no_bbox_reg"),
        *("piecewise", "svm", "svd", "multiscale", "more_data", "rcnn", "spp_net"),
    }
    assert named <= mini
    swept = {f"proposals_{n}k" for n in (1, 2, 4, 10)}
    dense = {f"dense_{n}k" for n in (2, 4, 6, 8, 10, 32, 45)}
    assert swept | dense | {"nearest_dense", "dense_only", "dense_only_svm"} <= mini


def test_paper_hyper_parameters_of_voc07():
    """FACTS §1.1, §1.2 and §1.10."""
    cells = compose_cells("voc07", CONF)
    cell = cells["L-default"]
    assert cell.train.solver.base_lr == 0.001
    assert (cell.train.solver.step_size, cell.train.solver.iterations) == (30000, 40000)
    assert (cell.train.scales.short_sides, cell.train.scales.max_size) == ([600], 1000)
    assert cell.train.proposals == cell.test.proposals == 2000
    assert cells["M-multiscale"].test.scales.short_sides == [480, 576, 688, 864, 1200]
    assert cells["S-svd"].test.svd == {"fc6": 1024, "fc7": 256}
    assert "L-multiscale" not in cells
    assert "S-fc_only" not in cells


def test_voc07_is_three_archives_with_published_checksums():
    """torchvision knows the same archives: an independent list of their addresses and MD5s."""
    source = compose_profile("voc07", CONF).data.source
    assert [archive.name for archive in source.archives] == [
        DATASET_YEAR_DICT[year]["filename"] for year in ("2007", "2007-test", "2012")
    ]
    for archive, year in zip(source.archives, ("2007", "2007-test", "2012"), strict=True):
        assert archive.md5 == DATASET_YEAR_DICT[year]["md5"]
        assert DATASET_YEAR_DICT[year]["url"] in archive.urls
        assert {url.rsplit("/", 1)[-1] for url in archive.urls} == {archive.name}
        assert archive.size % tarfile.BLOCKSIZE == 0
    folders = [f"VOCdevkit/{tree}" for tree in source.trees]
    assert folders == [DATASET_YEAR_DICT[year]["base_dir"] for year in ("2007", "2012")]


def test_hyper_parameters_of_the_other_systems_of_voc07():
    """FACTS §2.3–2.5 and §3.2–3.6."""
    cells = {
        f"{network}-rcnn": compose_cell("voc07", network, "rcnn", CONF) for network in "SML"
    } | {"L-spp_net": compose_cell("voc07", "L", "spp_net", CONF)}
    rcnn = {name: cells[f"{name}-rcnn"].train for name in ("S", "M", "L")}
    spp_net = cells["L-spp_net"].train
    batches = {name: train.sampling.rois_per_batch for name, train in rcnn.items()}
    assert batches == {"S": 128, "M": 128, "L": 24}
    assert spp_net.sampling.rois_per_batch == 128
    firsts = {name: train.learn_from for name, train in rcnn.items()}
    assert firsts == {"S": "conv1", "M": "conv1", "L": "conv1_1"}
    assert spp_net.learn_from == "fc6"
    # Background RoIs of R-CNN may lie on nothing.
    assert (rcnn["L"].sampling.bg_threshold_low, spp_net.sampling.bg_threshold_low) == (0, 0.1)
    assert spp_net.scales.short_sides == [480, 576, 688, 874, 1200]
    for train, steps, step_size in ((rcnn["L"], 70000, 20000), (spp_net, 90000, 30000)):
        assert (train.solver.iterations, train.solver.step_size) == (steps, step_size)
        assert train.solver.base_lr == 0.001
    assert (rcnn["L"].solver.output_lr_mult, spp_net.solver.output_lr_mult) == (10, 1)
    assert (rcnn["L"].solver.bias_decay_mult, spp_net.solver.bias_decay_mult) == (0, 1)
    regressors = [
        (train.regressor.min_overlap, train.regressor.ridge) for train in (rcnn["L"], spp_net)
    ]
    assert regressors == [(0.6, 1000), (0.5, 4000)]
    for train in (rcnn["L"], spp_net):
        svm = train.svm
        assert (svm.norm_images, svm.norm_boxes) == (200, 200)
        assert (svm.evict_threshold, svm.hard_threshold) == (-1.2, -1.0001)
        assert svm.initial_fit
        assert svm.overlap_with == "every_object"
    assert {cells[f"L-{name}"].test.scorer for name in ("rcnn", "spp_net")} == {"svm"}


@pytest.mark.parametrize("proposals", names("proposals", CONF))
@pytest.mark.parametrize("profile", ["mini", "bccd", "voc07"])
def test_every_list_composes_in_every_profile(conf, profile, proposals):
    experiment = conf / "experiment/other.yaml"
    experiment.write_text(
        "# @package _global_\n"
        f"defaults: [_self_, override /proposals: {proposals}]\n"
        "experiment: other\n"
    )
    cell = compose_cell(profile, "XS", "other", conf)
    assert cell.proposals.name == proposals


def test_two_lists_of_one_name_are_refused(conf):
    experiment = conf / "experiment/svd.yaml"
    experiment.write_text(experiment.read_text() + "proposals: {min_side: 9}\n")
    with pytest.raises(UserError, match=r"svd\.yaml: XS-svd changes the proposal list"):
        proposal_lists(compose_cells("mini", conf))


@pytest.mark.parametrize(
    ("profile", "size"), [("mini", (192, 256)), ("bccd", (480, 640)), ("voc07", (333, 500))]
)
def test_the_grid_has_as_many_windows_as_the_paper_samples(profile, size):
    network = "M" if profile == "voc07" else "XS"
    dense = compose_cell(profile, network, "dense_45k", CONF).dense
    windows = dense_windows(*size, dense.smallest, dense.aspect_ratios, dense.stride)
    assert len(windows) > dense.count


def test_own_data_takes_ten_lines(conf):
    (conf / "profile/own.yaml").write_text(OWN)
    assert len(OWN.splitlines()) <= 10
    profile = compose_profile("own", conf)
    assert isinstance(profile, Profile)
    assert (profile.data.root, profile.data.source.path) == ("data/own", "my/photographs")
    assert set(compose_cells("own", conf)) == {"XS-default", "XS-fc_only", "XS-svd"}


def test_all_problems_of_all_files_are_told_at_once(conf):
    bad = conf / "experiment/fc_only.yaml"
    bad.write_text(bad.read_text() + "  fllip: true\n  proposals: -5\n")
    other = conf / "experiment/svd.yaml"
    other.write_text(other.read_text().replace("parent: default", "parent: backbone"))
    with pytest.raises(UserError) as error:
        compose_cells("mini", conf)
    message = str(error.value)
    assert "experiment/fc_only.yaml" in message
    assert "train.fllip: unknown key" in message
    assert re.search(r"train\.proposals: .*greater than 0.*-5", message)
    assert "experiment/svd.yaml" in message
    assert "kind none needs a trained parent" in message


def test_a_problem_of_the_recipe_is_told_once(conf):
    recipe = conf / "recipe/small.yaml"
    recipe.write_text(re.sub(r"base_lr: .*", "base_lr: 0", recipe.read_text()))
    with pytest.raises(UserError, match=r"2 cells more") as error:
        compose_cells("mini", conf)
    assert str(error.value).count("train.solver.base_lr") == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("experiment: svd", "experiment: sdv", "names of their files"),
        ("${network.svd_ranks}", "${network.ranks}", "does not compose.*network.ranks"),
        ("test:", "plan: {networkz: [XS]}\ntest:", "networkz: unknown key"),
        ("test:", "test: [", "does not compose"),
    ],
)
def test_faulty_experiment_names_its_file(conf, old, new, message):
    path = conf / "experiment/svd.yaml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=rf"(?s)svd\.yaml.*{message}"):
        compose_cells("mini", conf)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("[[fish]]", r"score\.similar_classes\.0: List should have at least 2 items"),
        (
            "[[fish, kite, fish]]",
            r"score: .*a class is twice in one group, \['fish', 'kite', 'fish'\]",
        ),
        ("[[fish, kite], [cart, lorry]]", r"score\.similar_classes: no class 'lorry'.*'truck'\]"),
    ],
)
def test_faulty_similar_classes(conf, groups, message):
    path = conf / "profile/mini.yaml"
    update(path, {"score": {"similar_classes": yaml.safe_load(groups)}})
    with pytest.raises(UserError, match=message):
        compose_cells("mini", conf)


@pytest.mark.parametrize("name", ["all", "small", "mAP"])
def test_classes_are_not_called_as_other_rows_of_the_tables(conf, name):
    path = conf / "profile/own.yaml"
    path.write_text(OWN.replace("[cat, dog]", f"[cat, {name}]"))
    with pytest.raises(UserError, match=rf"data\.classes: .*a class can't be called '{name}'"):
        compose_profile("own", conf)


@pytest.mark.parametrize("system", ["rcnn", "spp_net"])
@pytest.mark.parametrize("setting", [{"bbox_reg": False}, {"scorer": "softmax"}])
def test_what_the_other_systems_cannot_do_is_refused(conf, system, setting):
    path = conf / f"experiment/{system}.yaml"
    shutil.copy(CONF / f"experiment/{system}.yaml", path)
    update(path, {"test": setting})
    with pytest.raises(
        UserError, match=rf"test\.{next(iter(setting))}: of {system} it is .* always"
    ):
        compose_cells("mini", conf)


def test_similar_classes_of_voc07_are_those_of_the_paper_on_errors():
    score = compose_cell("voc07", "L", "default", CONF).score
    vehicles = {"aeroplane", "bicycle", "boat", "bus", "car", "motorbike", "train"}
    animals = {"bird", "cat", "cow", "dog", "horse", "person", "sheep"}
    assert score.similar("car") == vehicles - {"car"}
    assert score.similar("aeroplane") == vehicles - {"aeroplane"} | {"bird"}
    assert score.similar("bird") == animals - {"bird"} | {"aeroplane"}
    assert score.similar("person") == animals - {"person"}
    assert score.similar("sofa") == {"chair", "diningtable"}
    for name in ("bottle", "pottedplant", "tvmonitor"):
        assert score.similar(name) == set()


@pytest.mark.parametrize(
    ("parent", "message"),
    [("defalt", "'defalt' is no experiment"), ("svd", "descend from each other")],
)
def test_impossible_parent(conf, parent, message):
    path = conf / "experiment/svd.yaml"
    path.write_text(path.read_text().replace("parent: default", f"parent: {parent}"))
    with pytest.raises(UserError, match=message):
        cells_text(["mini"], [0], conf)


def test_seeds_for_the_noise_are_run_of_default_and_what_starts_from_it(conf):
    update(conf / "profile/mini.yaml", {"plan": {"noise_seeds": [0, 3]}})
    plan = yaml.safe_load(cells_text(["mini"], [0, 1], conf))
    runs = {f"mini-XS-{name}-{seed}" for name in ("default", "fc_only", "svd") for seed in (0, 1)}
    assert plan["detect"].keys() == runs | {"mini-XS-default-3", "mini-XS-svd-3"}
    assert plan["train"].keys() == {run for run in plan["detect"] if "svd" not in run}
    assert plan["profiles"] == {"mini": {"seeds": "0 1", "noise": "0 3", "repeated": "default svd"}}


def test_weight_files_are_the_published_ones():
    """FACTS §5.2."""
    networks = {name: compose_network(name, CONF) for name in names("network", CONF)}
    for name, imagenet, detector in (
        ("S", "CaffeNet", "caffenet"),
        ("M", "VGG_CNN_M_1024", "vgg_cnn_m_1024"),
        ("L", "VGG16", "vgg16"),
    ):
        weights, published = networks[name].weights, networks[name].published
        assert weights.file.name == "imagenet_models.tgz"
        assert weights.file.md5 == "8b1d4b9da0593fc70ef403284f810adc"
        assert "/riazjuizq0w7dqm/" in weights.file.urls[0]
        assert weights.member == f"{imagenet}.v2.caffemodel"
        assert published.file.name == "fast_rcnn_models.tgz"
        assert published.file.md5 == "5f7dde9f5376e18c8e065338cc5df3f7"
        assert "/e3ugqq3lca4z8q6/" in published.file.urls[0]
        assert published.member == f"{detector}_fast_rcnn_iter_40000.caffemodel"
    file = networks["L_torchvision"].weights.file
    assert file.urls == [VGG16_Weights.IMAGENET1K_V1.url]
    assert file.name == f"vgg16-{file.sha256[:8]}.pth"
    assert networks["XS"].weights.kind == "pretraining"
    assert networks["XS"].published is networks["L_torchvision"].published is None


def test_torchvisions_vgg16_differs_from_l_in_its_weights_alone():
    ours, theirs = (compose_network(name, CONF).model_dump() for name in ("L", "L_torchvision"))
    assert {key for key in ours if ours[key] != theirs[key]} == {"name", "weights", "published"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "tensorflow"}, "weights: .*'caffe'"),
        ({"file": {"urls": ["a.tgz"], "md5": "8b1d"}}, "weights.caffe.file.md5: String should"),
        ({"file": {"urls": ["a.tgz"]}}, "weights.caffe.file: .*give its `md5` or `sha256`"),
        ({"file": {"urls": []}}, "weights.caffe.file.urls: List should have at least 1"),
    ],
)
def test_faulty_source_of_weights(changes, message):
    values = compose_network("S", CONF).model_dump()
    values["weights"] |= changes
    with pytest.raises(UserError, match=message):
        validate(Network, values, "S.yaml")


def test_published_detectors_are_tested_where_there_are_any(conf):
    experiment = conf / "experiment/published.yaml"
    shutil.copy(CONF / "experiment/published.yaml", experiment)
    assert compose_cell("mini", "XS", "published", conf) is None
    (conf / "profile/own.yaml").write_text(OWN.replace("networks: [XS]", "networks: [L]"))
    assert "L-published" not in compose_cells("own", conf)
    text = experiment.read_text()
    experiment.write_text(text.replace("only_networks: [S, M, L], ", ""))
    with pytest.raises(UserError, match="network L_torchvision has no `published`"):
        compose_cell("voc07", "L_torchvision", "published", conf)
    experiment.write_text(text.replace("kind: none", "kind: sgd"))
    with pytest.raises(UserError, match="kind sgd starts from the backbone"):
        compose_cell("voc07", "L", "published", conf)


def test_unknown_profile_says_which_there_are(conf):
    with pytest.raises(UserError, match=r"minni\.yaml: not found; profile is one of bccd, mini"):
        compose_cells("minni", conf)


def test_new_experiment_adds_only_its_own_runs(conf):
    before = yaml.safe_load(cells_text(["mini"], [0, 1], conf))
    (conf / "experiment/quick.yaml").write_text(
        "# @package _global_\nexperiment: quick\ntrain: {solver: {iterations: 9}}\n"
    )
    after = yaml.safe_load(cells_text(["mini"], [0, 1], conf))
    new = {"mini-XS-quick-0", "mini-XS-quick-1"}
    for stage in ("train", "detect"):
        assert set(after[stage]) - set(before[stage]) == new
        assert {key: after[stage][key] for key in before[stage]} == before[stage]
    assert after["profiles"] == before["profiles"]


def test_weights_come_from_the_parent_of_the_same_seed():
    plan = yaml.safe_load(cells_text(["mini"], [0, 3], CONF))
    train, detect = plan["train"], plan["detect"]
    # SPP-net's backbone was pre-trained on its own pooling.
    for name, pooling in (("default", "grid"), ("rcnn", "grid"), ("spp_net", "pyramid")):
        backbone = f"artefacts/backbone/XS-{pooling}.safetensors"
        assert train[f"mini-XS-{name}-3"]["parent"] == backbone
    assert plan["backbones"] == {
        "XS-grid": {"network": "XS", "pooling": "grid"},
        "XS-pyramid": {"network": "XS", "pooling": "pyramid"},
    }
    parent = "artefacts/mini/train/XS-no_bbox_reg-3/weights.safetensors"
    assert train["mini-XS-piecewise-3"]["parent"] == parent
    default = "artefacts/mini/train/XS-default-3/weights.safetensors"
    assert train["mini-XS-svm-3"]["parent"] == default
    assert "mini-XS-svd-3" not in train
    assert detect["mini-XS-svd-3"]["weights"] == default
    assert detect["mini-XS-svm-3"]["weights"].endswith("XS-svm-3/weights.safetensors")


def test_data_must_lie_where_fetch_puts_them(conf):
    path = conf / "profile/mini.yaml"
    path.write_text(path.read_text().replace("data:\n", "data:\n  root: elsewhere\n"))
    with pytest.raises(UserError, match=r"data\.root is 'elsewhere', wanted 'data/mini'"):
        compose_cells("mini", conf)
