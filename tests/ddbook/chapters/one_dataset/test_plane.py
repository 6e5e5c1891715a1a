"""Two measurements and six learners: perfect points, and bounds that no point beats."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddbook.chapters.one_dataset.plane import MEASUREMENTS, one_point, plane
from ddlib.datasets import diabetes
from tests.ddbook.chapters.one_dataset.world import PLANE

TABLE = diabetes()
numbers = st.floats(-4, 4).filter(lambda value: abs(value) > 1e-3)


@pytest.mark.parametrize("columns", [("s1", "s2"), ("age", "sex"), ("s5", "bmi")])
@pytest.mark.parametrize("length", [0.3, 2.0, 10.0])
def test_each_learner_has_a_perfect_point_of_every_length(columns, length):
    two = plane(TABLE, columns)
    for number, name in enumerate(two.learners):
        point = two.perfect(number, length)
        assert float(point.x.norm()) == pytest.approx(length)
        assert two.lost(point)[number] == pytest.approx(0, abs=1e-10), name
        assert two.bounds(point.x.flatten())[number] == pytest.approx(0, abs=1e-10), name


@given(a=numbers, b=numbers, y=st.floats(-3, 3), w=st.floats(0, 1000))
@settings(max_examples=60, deadline=None)
def test_no_point_beats_the_bound_of_its_direction(a, b, y, w):
    lost, least = PLANE.lost(one_point((a, b), y, w)), PLANE.bounds(torch.tensor([a, b], dtype=torch.float64))
    assert [name for name, own, bound in zip(PLANE.learners, lost, least, strict=True) if own < bound - 1e-9] == []


def test_the_ridge_learners_of_the_point_for_least_squares_lose_no_more_than_they_must():
    """Label and weight of that point are the data's own along its direction."""
    point = PLANE.perfect(0)
    assert PLANE.lost(point)[:4] == pytest.approx(PLANE.bounds(point.x.flatten())[:4], abs=1e-9)


def test_in_every_direction_some_learner_loses_what_the_picture_says():
    angle, share = PLANE.least_worst()
    assert 0.05 < share < 0.1
    worst = [max(PLANE.bounds(_unit(radians))) for radians in (math.radians(degree) for degree in range(-90, 90, 3))]
    assert min(worst) >= share - 1e-6
    assert max(PLANE.bounds(_unit(math.radians(angle)))) == pytest.approx(share)


def test_every_measurement_has_a_name():
    assert set(MEASUREMENTS) == set(TABLE.names)


def _unit(radians: float) -> torch.Tensor:
    return torch.tensor([math.cos(radians), math.sin(radians)], dtype=torch.float64)
