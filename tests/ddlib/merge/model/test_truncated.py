import numpy as np
import pytest
import torch
from scipy.special import log_ndtr
from scipy.stats import truncnorm

from ddlib.merge.model.truncated import truncated


def alone(low, high, mean=0.0, variance=1.0):
    return [float(part) for part in truncated(*torch.tensor([[mean], [variance], [low], [high]], dtype=torch.float64))]


@pytest.mark.parametrize(
    ("low", "high"), [(-np.inf, 0.3), (1, 2), (-1, np.inf), (-4, 1), (-5, 6), (-np.inf, np.inf), (0.1, 0.2), (4, 9)]
)
def test_moments_are_scipy_s_where_scipy_s_are_good(low, high):
    mass, mean, variance = alone(low, high)
    theirs = truncnorm.stats(low, high)
    assert mean == pytest.approx(float(theirs[0]), abs=1e-8)
    assert variance == pytest.approx(float(theirs[1]), rel=1e-7)
    inside = np.exp(log_ndtr(high)) - np.exp(log_ndtr(low))
    assert mass == pytest.approx(np.log(inside), abs=1e-11)


@pytest.mark.parametrize("low", [8.0, 30.0, 300.0, 1e5])
def test_far_tails_follow_their_series(low):
    """Mills' ratio, as a continued fraction's first terms: where SciPy's variance has no digit left or is negative."""
    for sign in (1, -1):
        ends = (low, np.inf) if sign > 0 else (-np.inf, -low)
        mass, mean, variance = alone(*ends)
        assert mass == pytest.approx(log_ndtr(-low), rel=1e-12)
        bound = 100 / low**6  # the terms that are left out
        assert (sign * mean - low) * low == pytest.approx(1 - 2 / low**2 + 10 / low**4, abs=bound + 1e-15 * low**2)
        assert variance * low**2 == pytest.approx(1 - 6 / low**2 + 50 / low**4, abs=10 * bound + 1e-9)


@pytest.mark.parametrize(("low", "high"), [(-3, 40), (30, 31), (-40, -39.9), (5, 5.001), (0, 1e-5), (-1e-6, 1e-6), (700, 701)])
def test_any_interval_agrees_with_brute_force(low, high):
    begin, end = max(low, min(high, 0) - 12.0), min(high, max(low, 0) + 12.0)
    x = np.linspace(begin, end, 400_001)
    nearest = min(max(0.0, low), high)
    density = np.exp(-0.5 * (x - nearest) * (x + nearest))
    total = np.trapezoid(density, x)
    first = np.trapezoid(density * (x - nearest), x) / total
    second = np.trapezoid(density * (x - nearest - first) ** 2, x) / total
    mass, mean, variance = alone(low, high)
    assert mass == pytest.approx(np.log(total) - 0.5 * (nearest**2 + np.log(2 * np.pi)), abs=1e-6)
    assert mean - nearest == pytest.approx(first, rel=1e-6, abs=1e-13 * (1 + abs(nearest)))
    assert variance == pytest.approx(second, rel=1e-6)


def test_units_move_with_the_law_and_many_are_treated_as_one():
    mean, low, high = (torch.linspace(a, b, 50_000, dtype=torch.float64) for a, b in ((-2, 3), (-1, 1), (0, 7)))
    many = truncated(mean, torch.full_like(mean, 4.0), low, high)
    for i in (0, 23_456, 49_999):
        mass, first, variance = alone((float(low[i]) - float(mean[i])) / 2, (float(high[i]) - float(mean[i])) / 2)
        assert [float(part[i]) for part in many] == pytest.approx([mass, float(mean[i]) + 2 * first, 4 * variance])
