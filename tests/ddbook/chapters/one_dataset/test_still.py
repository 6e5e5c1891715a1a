"""The still picture, and what stands where no script runs."""

from __future__ import annotations

import re

import numpy as np
import pytest

from ddbook.chapters.one_dataset.plane import Plane
from ddbook.chapters.one_dataset.touch import still, touch
from tests.ddbook.chapters.one_dataset.world import PLANE, SHOWN


def test_without_a_script_the_still_picture_is_there() -> None:
    bundle = touch(PLANE, SHOWN)._repr_mimebundle_()
    assert re.search(r'<div class="live" hidden></div><figure class="ddlib-figure" id="figure-touch"><img', bundle["text/html"])
    assert bundle["image/png"] == SHOWN._repr_mimebundle_()["image/png"]


def test_names_cannot_end_the_script() -> None:
    named = Plane(("</script><b>", "&"), PLANE.data, PLANE.tasks)
    assert touch(named)._repr_html_().count("</script>") == 2


def test_the_still_picture_shows_every_learner_and_what_it_loses() -> None:
    left, right = still(PLANE, PLANE.perfect(5)).axes
    assert {text.get_text() for text in left.texts} == set(PLANE.learners)
    assert [text.get_text() for text in right.texts] == ["47 %", "43 %", "90 %", "98 %", "9.8 %", "0 %"]
    marks = [np.asarray(line.get_xdata(), dtype=float)[0] for line in right.lines if line.get_marker() == "o"]
    assert np.square(marks) == pytest.approx(PLANE.lost(PLANE.perfect(5)), abs=1e-6)
