"""The page as text: well formed by HTML's own rules, and labelled for who does not see it."""

import base64
import hashlib
import re
from collections import Counter
from itertools import pairwise

import html5lib
import pytest

HEADINGS = ("h1", "h2", "h3", "h4")


@pytest.fixture(scope="module")
def text(page) -> str:
    return page.read_text()


@pytest.fixture(scope="module")
def root(text):
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)


def test_the_page_is_well_formed(root):
    """A strict parser raises at the first error."""
    assert root.find("head/title").text == "Fast R-CNN reproduced: mini"


def test_ids_are_unique_and_references_lead_somewhere(root):
    ids = Counter(e.get("id") for e in root.iter() if e.get("id"))
    assert ids and max(ids.values()) == 1
    links = [e.get("href") for e in root.iter() if e.get("href", "").startswith("#")]
    labels = [e.get(name) for e in root.iter() for name in ("for", "aria-labelledby")]
    wanted = {link[1:] for link in links} | {label for label in labels if label}
    assert len(wanted) > 10 and wanted <= set(ids)


def test_headings_are_in_order_and_landmarks_are_there(root):
    levels = [HEADINGS.index(e.tag) + 1 for e in root.iter() if e.tag in HEADINGS]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for landmark in ("header", "nav", "main"):
        assert len(list(root.iter(landmark))) == 1
    first = next(e for e in root.iter("a"))
    assert first.get("class") == "skip" and first.get("href") == "#claims"


def test_pictures_and_tables_say_what_they_are(root):
    assert all(len(e.get("alt", "")) > 20 for e in root.iter("img"))
    tables = list(root.iter("table"))
    assert tables and all(e.find("caption").text for e in tables)
    assert all(e.get("scope") for e in root.iter("th"))
    drawings = [e for e in root.iter() if e.tag.endswith("svg")]
    assert len(drawings) > 10
    for drawing in drawings:
        named = drawing.get("role") == "img" and len(drawing.get("aria-label", "")) > 20
        assert named or drawing.get("aria-hidden") == "true"


def test_the_policy_names_this_script_and_this_style_and_no_other_place(text, root):
    policy = next(
        e.get("content")
        for e in root.iter("meta")
        if e.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy and "http" not in policy and "*" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = hashlib.sha256(content.encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy


def test_no_element_has_style_or_code_in_an_attribute(root):
    """The policy would stop them."""
    names = {name for e in root.iter() for name in e.attrib if isinstance(name, str)}
    assert "style" not in names and not any(name.startswith("on") for name in names)
