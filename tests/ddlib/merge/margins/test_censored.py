"""Mean and spread of a column some of whose cells are beyond limits, and the margin that it gets."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from ddlib.merge.margins import Cells, Identity, Monotone, Thresholds, choose_margin, is_category
from ddlib.merge.margins.censored import normal_moments


def beyond(values, low=-np.inf, high=np.inf):
    """Cells of which those below, or above, a limit are known to be there only."""
    lower = np.where(values < low, -np.inf, np.where(values > high, high, values))
    return Cells(lower, np.where(values < low, low, np.where(values > high, np.inf, values)))


def likelihood(parameters, cells):
    mean, spread = parameters[0], np.exp(parameters[1])
    exact = cells.exact
    inside = norm.cdf(cells.upper[~exact], mean, spread) - norm.cdf(cells.lower[~exact], mean, spread)
    return -norm.logpdf(cells.lower[exact], mean, spread).sum() - np.log(inside).sum()


@pytest.mark.parametrize(("low", "high"), [(9.0, np.inf), (-np.inf, 11.0), (9.5, 12.0), (11.5, np.inf)])
def test_a_censored_normal_law_is_of_maximum_likelihood(low, high):
    cells = beyond(np.random.default_rng(0).normal(10, 2, 60), low, high)
    ended = minimize(likelihood, [10.0, 0.5], args=(cells,), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    assert normal_moments(cells) == pytest.approx((ended.x[0], np.exp(ended.x[1])), rel=1e-5)


def test_two_limits_in_one_column_and_missing_cells():
    values = np.random.default_rng(1).normal(0, 1, 4000)
    limit = np.where(np.arange(4000) % 2 == 0, -0.5, 0.3)
    cells = Cells(np.where(values < limit, -np.inf, values), np.where(values < limit, limit, values))
    gone = Cells(np.full(50, -np.inf), np.full(50, np.inf))
    both = Cells(*(np.concatenate(ends) for ends in zip(cells, gone, strict=True)))
    assert normal_moments(both) == pytest.approx(normal_moments(cells))
    assert normal_moments(both) == pytest.approx((values.mean(), values.std()), abs=0.03)


def test_numbers_alone_cannot_tell_from_one():
    with pytest.raises(ValueError, match="one number"):
        normal_moments(Cells(np.array([5.0, -np.inf]), np.array([5.0, 4.0])))
    with pytest.raises(ValueError, match="no number"):
        normal_moments(Cells(np.array([-np.inf]), np.array([4.0])))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7])
def test_the_shape_of_a_column_is_told_with_much_of_it_below_a_limit(share):
    draws = np.random.default_rng(2).normal(size=(20, 400))
    found = {"normal": [], "skewed": []}
    for z in draws:
        for name, values in (("normal", 50 + 10 * z), ("skewed", np.exp(z))):
            found[name].append(type(choose_margin(beyond(values, np.quantile(values, share)))))
    assert set(found["skewed"]) == {Monotone}
    assert found["normal"].count(Identity) >= 19


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("sign", [-1, 1])
def test_there_is_room_in_a_skewed_column_for_what_is_beyond_all_its_values(side, sign):
    values = sign * np.exp(np.random.default_rng(3).normal(size=500)) - 1.0
    limit = np.quantile(values, 0.3 if side < 0 else 0.7)
    cells = beyond(values, low=limit) if side < 0 else beyond(values, high=limit)
    margin = choose_margin(cells)
    latent = margin.forward(cells)
    ends = latent.upper[cells.within] if side < 0 else -latent.lower[cells.within]
    assert norm.cdf(ends) == pytest.approx(0.3, abs=0.05)
    inside = margin.back(side * np.linspace(norm.ppf(0.71), 4, 20))
    assert bool((side * (inside - limit) > 0).all())


def test_few_values_are_no_categories_where_cells_are_beyond_them():
    cells = Cells(np.repeat([-np.inf, 1.0, 2.0, 3.0], 30), np.repeat([0.999, 1.0, 2.0, 3.0], 30))
    margin = choose_margin(cells)
    assert not is_category(cells) and not isinstance(margin, Thresholds)
    latent = margin.forward(cells)
    assert not np.isnan(latent).any() and bool((latent.lower <= latent.upper).all())
    assert 0 <= float(margin.back(np.array([-2.0]))[0]) < 1
    within = Cells(np.repeat([-np.inf, 1.0, 2.0, 3.0], 30), np.repeat([1.999, 1.0, 2.0, 3.0], 30))
    assert is_category(within) and choose_margin(within).forward(within).upper[0] == choose_margin(within).cuts[0]
