"""The page of the report: well formed, closed in itself, safe from names, and true to the report."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from ddlib.merge import merge, report_page
from ddlib.merge.page import sections
from ddlib.merge.page.advice import patients_for
from ddlib.merge.page.intervals import DRAWN
from ddlib.merge.page.style import DARK, LIGHT
from tests.ddlib.merge.page.reports import HOSTILE, report

VOID = {"meta", "br", "img", "hr", "input", "link"}
SIZES = [(4, 3, 4, 1), (20, 12, 25, 2), (1, 2, 1, 0), (0, 2, 1, 3), (3, 9, 2, 0)]


class Page(HTMLParser):
    """The page's elements, with what stands in them; fails where they are not nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[tuple[str, ...], tuple[str, ...], str]] = []
        self.classes: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
            self.classes.append(dict(attributes).get("class") or "")

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.classes.pop()

    def handle_data(self, data):
        self.texts.append((tuple(self.open), tuple(self.classes), data))


@pytest.mark.parametrize("size", SIZES)
def test_elements_are_nested_and_pictures_say_what_they_show(size):
    found = Page(report_page(report(*size)))
    pictures = [attributes for tag, attributes in found.elements if tag == "svg" and attributes.get("aria-hidden") != "true"]
    assert pictures and all(picture["role"] == "img" and picture["aria-label"] for picture in pictures)
    assert sum(tag == "desc" for tag, _ in found.elements) == len(pictures)
    assert not any(
        re.search(r"nan|inf\b|None", str(attributes)) for tag, attributes in found.elements if tag in ("path", "line", "rect")
    )


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_fetched(size):
    text = report_page(report(*size))
    assert not re.search(r"https?:|url\(|@import|<link|<script|<img|src=|href=", text)


def keys(page: Page) -> set[str]:
    return {key for _, attributes in page.elements for key in attributes}


def test_names_are_text_wherever_they_stand():
    hostile = report(columns=8, hospitals=8, names=HOSTILE)
    hostile["warnings"].append({"kind": "<b>kind", "text": "<b>text"})
    hostile["assumptions"].append("<b>assumed")
    hostile["inference"] = "<b>" + hostile["inference"]
    hostile["visits"]["labels"] = ["<b>first", "<b>second", "<b>third", "<b>" * 30]
    hostile["visits"]["unit"] = "<b>"
    text = report_page(hostile)
    found, plain = Page(text), Page(report_page(report(columns=8, hospitals=8)))
    assert {tag for tag, _ in found.elements} == {tag for tag, _ in plain.elements}
    assert keys(found) - {"title"} == keys(plain), "a title has the whole of a name that is shortened"
    assert "\u202e" not in text and "\x00" not in text
    assert "x" * 300 in text, "the whole of a long name stands in a title"


def rounded(value: float) -> set[str]:
    """A number as a page may print it: without sign and separators, to some digits."""
    if float(value).is_integer() and abs(value) < 1e15:
        return {str(int(abs(value)))}
    size = abs(value)
    return (
        {f"{size:.{places}f}" for places in range(5)}
        | {f"{float(f'{size:.{digits}g}'):g}" for digits in range(1, 7)}
        | {f"{float(f'{size:.{digits}g}'):.0f}" for digits in range(3, 7)}
    )


def numbers_in(part: object) -> list[float]:
    if isinstance(part, dict):
        return [number for value in part.values() for number in numbers_in(value)]
    if isinstance(part, list):
        return [number for value in part for number in numbers_in(value)]
    if isinstance(part, bool) or part is None:
        return []
    if isinstance(part, str):
        return [float(token) for token in re.findall(r"\d+(?:\.\d+)?", part)]
    return [float(part)]


@pytest.mark.parametrize("size", SIZES)
def test_every_number_is_the_reports(size):
    """But for axes; counts of what the report lists, and what is asked for, are its own too."""
    given = report(*size)
    columns, pairs = given["columns"], given["never_together"]
    every = len(columns) * (len(columns) - 1) // 2
    derived = [
        len(columns),
        len(given["sources"]),
        len(pairs),
        every,
        every - len(pairs),
        *map(patients_for, pairs),
        *range(len(columns) + size[2]),
        DRAWN,
    ]
    derived += [
        sum(seen["patients"][t] for seen in law["observed"].values()) for law in given["by_visit"].values() for t in range(size[2])
    ]
    derived += [size / one["standard_deviation"] for one in columns for size in one["offsets"].values()]
    derived += [100 * source["missing"] for source in given["sources"]]
    known = {text for value in [*numbers_in(given), *derived] for text in rounded(value)}
    names = "|".join(re.escape(one["name"]) for one in [*columns, *given["sources"]])
    for tags, classes, text in Page(report_page(given)).texts:
        if "style" in tags or "axis" in classes:
            continue
        text = re.sub(names, "", text) if names else text
        for token in re.findall(r"\d[\d,]*(?:\.\d+)?(?:e−?\d+)?", text):
            number = token.replace(",", "").replace("−", "-")
            assert {number, f"{float(number):g}", number.rstrip("0").rstrip(".")} & known, (token, text)


def test_the_page_of_a_merge():
    north = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3] * 5, "time": [0, 1] * 15, "hb": range(30), "crea": [3.0, 1, 4, 1, 5, 9] * 5})
    north["id"] += [10 * (row // 6) for row in range(30)]
    text = report_page(merge({"north": north, "south": north.drop(columns="crea")}, "id", "time", rows=5, join="never").report)
    for expected in (
        "north",
        "crea",
        "never observed together",
        "prefers-color-scheme",
        "5 complete synthetic patients with 2 visits each.",
    ):
        assert expected in text


def test_the_inference_sentence_stands_out_and_boxes_come_first():
    text = report_page(report())
    order = [
        text.index(part)
        for part in ('<p class="inference">', "What you may trust", "What is a convention", "What to ask", "<main>")
    ]
    assert order == sorted(order)


def test_grave_warnings_come_first():
    text = report_page(report())
    assert text.index("a grave thing") < text.index("a remark")


def test_a_new_section_is_a_function(monkeypatch):
    extra = sections.Section("limits", "Limits", lambda found: f"<p>{found['limits']}</p>" if "limits" in found else "")
    monkeypatch.setattr(sections, "SECTIONS", [*sections.SECTIONS, extra])
    assert 'id="limits"' not in report_page(report())
    assert "<h2>Limits</h2>" in report_page({**report(), "limits": "none"})


def light(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted([light(one), light(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_can_be_told_from_what_is_behind(theme):
    """WCAG 2 AA: 4.5 for texts, 3 for marks and lines that mean something."""
    assert set(LIGHT) == set(DARK)
    for back in ("back", "ground", "warn", "band"):
        assert contrast(theme["text"], theme[back]) >= 4.5, back
    for back in ("back", "ground"):
        for use in ("faint", "link", "good"):
            assert contrast(theme[use], theme[back]) >= 4.5, (use, back)
    for use in ("fitted", "convention", "grave", "rest", *(f"h{k}" for k in range(8))):
        for back in ("back", "band"):
            assert contrast(theme[use], theme[back]) >= 3, (use, back)
