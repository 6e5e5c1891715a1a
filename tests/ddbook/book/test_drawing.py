"""The drawing on the first page is no sketch: its lines are the fits of its dots, and its big points lie on them."""

from __future__ import annotations

import numpy as np
import pytest
from bs4 import BeautifulSoup, Tag
from sklearn.linear_model import LinearRegression, QuantileRegressor

from tests.ddbook.book.fake import PROJECT

PANELS = BeautifulSoup((PROJECT / "book" / "_static" / "idea.html").read_text(encoding="utf-8"), "html.parser").select("svg")


def centres(panel: Tag, kind: str) -> np.ndarray:
    return np.array([[float(str(dot["cx"])), float(str(dot["cy"]))] for dot in panel.select(f"circle.{kind}")])


@pytest.mark.parametrize(
    ("number", "kind", "learner"), [(1, "mean", LinearRegression()), (2, "median", QuantileRegressor(quantile=0.5, alpha=0))]
)
def test_the_big_points_carry_the_task(number: int, kind: str, learner: LinearRegression | QuantileRegressor) -> None:
    dots, pair = centres(PANELS[number], "faint"), centres(PANELS[number], kind)
    assert len(dots) == 46
    assert np.array_equal(dots, centres(PANELS[0], "data"))
    from_all = learner.fit(dots[:, :1], dots[:, 1]).predict(pair[:, :1])
    assert from_all == pytest.approx(pair[:, 1], abs=0.2)  # coordinates are rounded to a tenth
    line = PANELS[number].select_one(f"line.{kind}")
    assert line is not None
    x, y = ([float(str(line[f"{axis}{end}"])) for end in (1, 2)] for axis in "xy")
    assert np.interp(pair[:, 0], x, y) == pytest.approx(pair[:, 1], abs=0.1)
