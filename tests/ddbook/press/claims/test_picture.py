"""Dots and intervals: each lies where its number is, and nothing is drawn outside the picture."""

from __future__ import annotations

import math

import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import given
from hypothesis import strategies as st

from ddbook.press.claims import Finding, Statistic
from ddbook.press.claims.picture import LEFT, RIGHT, WIDTH, picture, printed
from ddlib.statistics import Estimate

NUMBER = {"label": "error", "number": "error"}
RATIO = {"label": "error", "table": "t", "value": "v", "rows": "a", "over": "b", "factor": ["method"]}
MATCH = {"label": "error", "table": "t", "value": "v", "rows": "a", "published": 2.0, "widest": 1.0}


def drawn(fields, **estimates) -> Tag:
    statistic = Statistic.model_validate(fields)
    names = {"reference": "reference", "here": "this run"}
    found = {names[name]: Finding(statistic, Estimate(*each), "reproduced") for name, each in estimates.items()}
    return BeautifulSoup(picture(found), "html.parser").svg


def x(drawing: Tag, kind: str) -> float:
    (dot,) = drawing.select(f"circle.{kind}")
    return float(dot["cx"])


def shaded(drawing: Tag) -> tuple[float, float]:
    (region,) = drawing.select("rect.wanted")
    return float(region["x"]), float(region["x"]) + float(region["width"])


@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2),
    half=st.floats(0, 1e7),
    least=st.none() | st.floats(-1e6, 1e6),
    most=st.floats(1e6 + 1, 1e7),
)
def test_order_is_kept_and_nothing_leaves_the_picture(values, half, least, most):
    first, second = values
    wanted = {"at_least": least, "at_most": most}
    drawing = drawn(
        NUMBER | wanted, reference=(first, first - half, first + half, 5), here=(second, second - half, second + half, 5)
    )
    one, other = x(drawing, "reference"), x(drawing, "here")
    assert (one - other) * (first - second) >= -1e-6
    low, high = shaded(drawing)
    for value, place in ((first, one), (second, other)):
        if least is not None and abs(value - least) > 1e-3 * (1e7 + half):
            assert (place >= low) == (value >= least)
    xs = [float(tag[name]) for tag in drawing.select("[x1]") for name in ("x1", "x2")] + [one, other, low, high]
    assert all(LEFT - 0.1 <= each <= RIGHT + 0.1 for each in xs)
    assert RIGHT < WIDTH


def test_ratios_are_drawn_by_their_logarithms():
    drawing = drawn(RATIO | {"at_most": 1.0}, reference=(0.1, 0.1, 0.1, 5), here=(10.0, 10.0, 10.0, 5))
    (line,) = drawing.select("line.end")
    assert float(line["x1"]) == pytest.approx((x(drawing, "reference") + x(drawing, "here")) / 2, abs=0.2)


def test_a_value_without_an_interval_is_a_dot():
    drawing = drawn(NUMBER | {"at_most": 1.0}, here=(0.0, math.nan, math.nan, 0))
    assert (len(drawing.select("circle")), len(drawing.select(".interval"))) == (1, 0)


def test_an_interval_that_reaches_too_far_ends_in_an_arrow():
    drawing = drawn(NUMBER | {"at_most": 1.0}, here=(0.0, -1.0, 1e9, 5))
    assert len(drawing.select("polyline")) == 1


def test_the_band_of_a_match_is_as_wide_as_the_line_may_be():
    found = Finding(Statistic.model_validate(MATCH), Estimate(2.1, 2.0, 2.2, 5), "inconclusive", one_more=(1.0, 3.2))
    drawing = BeautifulSoup(picture({"this run": found}), "html.parser").svg
    low, high = shaded(drawing)
    (line,) = drawing.select("line.interval")
    length = float(line["x2"]) - float(line["x1"])
    assert length / (high - low) == pytest.approx(2.2, rel=0.02)
    assert [text.get_text() for text in drawing.select("text")] == ["2", "paper", "this run", "?"]


def test_nothing_measured_is_nothing_drawn():
    assert picture({"this run": Finding(Statistic.model_validate(NUMBER | {"at_most": 1}), None, "not testable", "gone")}) == ""


@pytest.mark.parametrize(
    ("text", "expected"), [("-3.5e-09", "−3.5 × 10⁻⁹"), ("1e+06", "1 × 10⁶"), ("method-a", "method-a"), ("0.5", "0.5")]
)
def test_numbers_are_printed_with_signs_and_powers(text, expected):
    assert printed(text) == expected
