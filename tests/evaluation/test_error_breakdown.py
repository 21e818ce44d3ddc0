"""One detection of each kind, worked by hand."""

from frcn.evaluation.error_breakdown import KINDS, error_breakdown
from frcn.evaluation.voc_ap import match

CAT, CAT_2, HARD_CAT = (0, 0, 9, 9), (0, 50, 9, 59), (0, 100, 9, 109)
DOG, CAR = (50, 0, 59, 9), (50, 50, 59, 59)
NOWHERE = (200, 200, 209, 209)


def _counts(**counts):
    return dict.fromkeys((*KINDS, "missed"), 0) | counts


def test_each_kind(make_dataset, make_detections):
    objects = {
        "a": [
            ("cat", CAT, False),
            ("cat", CAT_2, False),
            ("cat", HARD_CAT, True),
            ("dog", DOG, False),
            ("car", CAR, False),
        ],
        "b": [("cat", (100 * i, 0, 100 * i + 9, 9), False) for i in range(4)],
    }
    dataset = make_dataset(["cat", "dog", "car", "emu"], objects)
    detections = make_detections(
        ("a", "cat", 0.90, CAT),  # correct
        ("a", "cat", 0.89, HARD_CAT),  # ignored, not among the best 6
        ("a", "cat", 0.80, CAT),  # duplicate
        ("a", "cat", 0.70, (0, 50, 9, 53)),  # localisation: IoU 0.4
        ("a", "cat", 0.60, DOG),  # similar
        ("a", "cat", 0.50, CAR),  # other
        ("a", "cat", 0.40, NOWHERE),  # background, the sixth that counts
        ("a", "cat", 0.30, CAT_2),  # beyond the best 6, but finds an object
        ("b", "dog", 0.90, NOWHERE),  # background
        ("b", "emu", 0.90, NOWHERE),  # a class without objects has no best detections
    )
    matches = match(detections, dataset)
    cat = {"correct": 1, "duplicate": 1, "localisation": 1, "background": 1, "missed": 4}
    expected = {
        "cat": _counts(**cat, similar=1, other=1),
        "dog": _counts(background=1, missed=1),
        "car": _counts(missed=1),
        "emu": _counts(),
    }
    assert error_breakdown(matches, dataset, {"cat": ["dog"]}) == expected
    expected["cat"] |= {"similar": 0, "other": 2}
    assert error_breakdown(matches, dataset) == expected


def test_localisation_comes_before_confusion(make_dataset, make_detections):
    dataset = make_dataset(["cat", "dog"], {"a": [("cat", CAT, False), ("dog", CAT, False)]})
    half = make_detections(("a", "cat", 0.9, (0, 0, 9, 3)))
    counts = error_breakdown(match(half, dataset), dataset)
    assert counts["cat"] == _counts(localisation=1, missed=1)


def test_an_overlap_of_a_tenth_counts_and_less_does_not(make_dataset, make_detections):
    dataset = make_dataset(["cat"], {"a": [("cat", (0, 0, 9, 99), False)], "b": []})
    tenth = make_detections(("a", "cat", 0.9, (0, 0, 9, 9)))
    less = make_detections(("a", "cat", 0.9, (0, 0, 9, 8)))
    assert error_breakdown(match(tenth, dataset), dataset)["cat"]["localisation"] == 1
    assert error_breakdown(match(less, dataset), dataset)["cat"]["background"] == 1
