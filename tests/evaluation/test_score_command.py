"""``frcn score`` on a VOC tree without pictures, run as a user runs it."""

import subprocess
import sys

import pytest

from frcn.cli import main

XML = """<annotation><size><width>100</width><height>80</height><depth>3</depth></size>
{objects}</annotation>"""
OBJECT = """<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>
<xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax>
</bndbox></object>"""


@pytest.fixture(name="voc")
def _voc(tmp_path):
    """Two images: cats, a difficult cat and a dog; boxes 1-based as in every VOC file."""
    root = tmp_path / "VOC2007"
    (root / "Annotations").mkdir(parents=True)
    (root / "ImageSets" / "Main").mkdir(parents=True)
    images = {
        "000001": [("cat", 0, (1, 1, 10, 10)), ("cat", 1, (50, 50, 59, 59))],
        "000002": [("cat", 0, (1, 1, 10, 10)), ("dog", 0, (20, 20, 39, 39))],
    }
    for image_id, things in images.items():
        objects = "".join(
            OBJECT.format(name=name, difficult=difficult, box=box)
            for name, difficult, box in things
        )
        (root / "Annotations" / f"{image_id}.xml").write_text(XML.format(objects=objects))
    (root / "ImageSets" / "Main" / "test.txt").write_text("\n".join(images) + "\n")
    return root


@pytest.fixture(name="results")
def _results(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    # Difficult (ignored), hit, duplicate, hit: precision 1, 1/2, 2/3.
    (folder / "comp4-77_det_test_cat.txt").write_text(
        "000001 0.9 50 50 59 59\n000002 0.6 1 1 10 10\n000001 0.8 1 1 10 10\n000001 0.7 1 1 10 9\n"
    )
    return folder


def _score(results, voc, *arguments):
    return main(["score", "--results", str(results), "--voc", str(voc), *arguments])


def test_prints_ap_and_map(results, voc, capsys):
    (results / "comp4-77_det_test_dog.txt").write_text("000002 0.5 20 20 39 29\n")
    assert _score(results, voc) == 0
    assert capsys.readouterr().out.splitlines() == [
        "class  AP 11pt  AP area  objects  detections",
        "cat      84.85    83.33        2           4",
        "dog     100.00   100.00        1           1",
        "mAP      92.42    91.67",
    ]


def test_says_which_annotated_classes_have_no_file(results, voc, capsys):
    assert _score(results, voc, "--set", "test") == 0
    out = capsys.readouterr().out.splitlines()
    assert out[-2:] == [
        "mAP      84.85    83.33",
        "Not scored, though test has objects of them: dog.",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--classes", "cat", "dog"], "no result file of class 'dog'"),
        (["--set", "val"], "val.txt: not found"),
    ],
)
def test_bad_input_ends_with_status_2(results, voc, capsys, arguments, message):
    assert _score(results, voc, *arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("frcn score: ")
    assert captured.out == ""


def test_a_missing_annotation_is_named(results, voc, capsys):
    (voc / "Annotations" / "000002.xml").unlink()
    assert _score(results, voc) == 2
    assert "000002.xml: not found" in capsys.readouterr().err


def test_an_id_listed_twice_is_refused(results, voc, capsys):
    (voc / "ImageSets" / "Main" / "test.txt").write_text("000001\n000002\n000001\n")
    assert _score(results, voc) == 2
    assert "image set 'test' lists an id twice" in capsys.readouterr().err


def test_help_loads_nothing_heavy():
    program = (
        "import sys; from frcn.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'numpy', 'pandas', 'cv2', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "score" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_reader_that_stops_reading_is_no_error(results, voc):
    program = "import sys; from frcn.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "score", f"--results={results}", f"--voc={voc}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        errors = process.stderr.read().decode()
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors
