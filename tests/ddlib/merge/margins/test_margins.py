import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from ddlib.merge.margins import Cells, Identity, Monotone, Thresholds, choose_margin, monotone, thresholds
from ddlib.merge.margins.distribution import distribution

RANDOM = np.random.default_rng


def below(values, limit):
    """Values with a limit of detection."""
    return Cells(np.where(values < limit, -np.inf, values), np.where(values < limit, limit, values))


COLUMNS = {
    "normal": RANDOM(0).normal(5, 2, 400) - 6,
    "log-normal": np.exp(RANDOM(1).normal(0, 0.8, 400)),
    "rounded": np.round(np.exp(RANDOM(2).normal(0, 0.8, 400)), 1),
    "share": 100 - RANDOM(3).gamma(1.0, 9.0, 400).clip(0, 100),
    "score": RANDOM(4).binomial(6, 0.3, 400).astype(float),
    "binary": (RANDOM(5).random(400) < 0.2).astype(float),
    "codes": RANDOM(6).choice([1.0, 2.0, 9.0], 400),
}
EXPECTED = {
    "normal": Identity,
    "log-normal": Monotone,
    "rounded": Monotone,
    "share": Monotone,
    "score": Thresholds,
    "binary": Thresholds,
    "codes": Thresholds,
}


@pytest.mark.parametrize("name", COLUMNS)
def test_the_margin_fits_the_column_and_says_why(name):
    margin = choose_margin(Cells.of(COLUMNS[name]))
    assert isinstance(margin, EXPECTED[name])
    assert margin.why
    assert json.loads(json.dumps(margin.as_dict()))["why"] == margin.why
    assert (len(margin.cuts) == 1) == (name == "binary")


@pytest.mark.parametrize("name", COLUMNS)
def test_cells_come_back_as_they_were(name):
    values = COLUMNS[name]
    margin = choose_margin(Cells.of(values))
    latent = margin.forward(Cells.of(np.append(values, np.nan)))
    assert (latent.lower[-1], latent.upper[-1]) == (-np.inf, np.inf)
    inside = np.clip(0.0, latent.lower[:-1] + 1e-9, latent.upper[:-1] - 1e-9)
    inside = np.where(latent.lower[:-1] == latent.upper[:-1], latent.lower[:-1], inside)
    np.testing.assert_allclose(margin.back(inside), values, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in COLUMNS if name != "normal"])
def test_synthetic_values_are_in_the_range_and_look_like_the_column(name):
    values = COLUMNS[name]
    margin = choose_margin(Cells.of(values))
    drawn = margin.back(RANDOM(9).normal(0, 1, 100_000))
    low = 0.0 if name in ("log-normal", "rounded", "share") else values.min()
    high = 100.0 if name == "share" else values.max()
    assert drawn.min() >= low and drawn.max() <= high
    wild = margin.back(np.array([-1e6, -40.0, 40.0, 1e6]))
    assert wild.min() >= low and wild.max() <= high
    np.testing.assert_allclose([drawn.mean(), drawn.std()], [values.mean(), values.std()], rtol=0.05)
    if isinstance(margin, Thresholds):
        for value in np.unique(values):
            assert (drawn == value).mean() == pytest.approx((values == value).mean(), abs=0.01)
    else:
        shares = [0.1, 0.25, 0.5, 0.75, 0.9]
        np.testing.assert_allclose(np.quantile(drawn, shares), np.quantile(values, shares), atol=0.1 * values.std())


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), number=st.integers(2, 60), digits=st.integers(0, 3), censored=st.sampled_from([0.0, 0.3]))
def test_every_monotone_margin_is_monotone_and_finite(seed, number, digits, censored):
    values = np.round(np.exp(RANDOM(seed).normal(0, 1.5, number)), digits)
    cells = below(values, np.quantile(values, censored))
    if len(np.unique(cells.lower[cells.exact])) < 2:
        return
    margin = monotone(cells)
    z = np.linspace(-12, 12, 401)
    assert bool((np.diff(margin.back(z)) >= 0).all())
    x = np.linspace(margin.low, margin.high, 401)
    there = margin.forward(Cells.of(x)).lower
    there, x = (part[~np.isin(x, [tie[0] for tie in margin.ties])] for part in (there, x))
    assert bool(np.isfinite(there[np.isfinite(x)]).all()) and bool((there[1:] >= there[:-1]).all())
    kept = (np.abs(there) < 5) & (not margin.ties)  # beside a tie, values between those that occur have its end as score
    np.testing.assert_allclose(margin.back(there[kept]), x[kept], rtol=1e-6, atol=1e-6)
    assert margin.noise(0.1) > 0


def test_a_limit_of_detection_becomes_a_half_line_at_its_score():
    values = np.exp(RANDOM(0).normal(0, 1, 4000))
    cells = below(values, np.quantile(values, 0.2))
    latent = choose_margin(cells).forward(cells)
    gone = ~cells.exact
    assert bool((latent.lower[gone] == -np.inf).all())
    assert latent.upper[gone] == pytest.approx(ndtri(0.2), abs=0.02)
    assert latent.lower[~gone].min() >= latent.upper[gone].max()
    usual = ~gone & (np.log(values) < 2.5)
    np.testing.assert_allclose(latent.lower[usual], np.log(values[usual]), atol=0.2)


def test_several_limits_give_the_product_limit_estimate():
    """Cells below one of several limits spread over what is below, as Kaplan and Meier's estimate of the mirrored column does."""
    random = RANDOM(0)
    values = np.round(random.gamma(2, 2, 300), 1)
    limit = random.choice([0.0, 1.0, 3.0], 300)
    cells = Cells(np.where(values < limit, -np.inf, values), np.where(values < limit, limit - 1e-6, values))
    found = distribution(cells)
    known = values >= limit
    upto = 1.0
    for k in range(len(found.values) - 1, -1, -1):
        assert found.upto[k] == pytest.approx(upto, abs=1e-4)
        here = found.values[k]
        risk = (np.where(known, values, cells.upper) <= here).sum()
        upto *= 1 - (known & (values == here)).sum() / risk
    assert found.before[0] == pytest.approx(upto, abs=1e-4)


def test_thresholds_are_scores_of_shares_and_take_values_that_were_not_there():
    margin = thresholds(Cells.of([0.0] * 5 + [1.0] * 3 + [3.0] * 2))
    assert margin.cuts == pytest.approx((ndtri(0.5), ndtri(0.8)))
    latent = margin.forward(Cells(np.array([2.0, -np.inf, 0.0, 7.0]), np.array([2.0, 1.0, 3.0, 7.0])))
    assert latent.lower == pytest.approx([margin.cuts[0], -np.inf, -np.inf, margin.cuts[1]])
    assert latent.upper == pytest.approx([np.inf, margin.cuts[1], np.inf, np.inf])


def test_small_tables_and_normal_columns_are_left_as_they_are():
    assert isinstance(choose_margin(Cells.of([3.0, 4.0, 5.0, 9.0])), Identity)
    for seed in range(200):
        values = RANDOM(seed).normal(10, 3, RANDOM(seed).integers(10, 500))
        assert isinstance(choose_margin(Cells.of(values)), Identity)


def test_what_cannot_be_a_margin_is_refused_in_one_sentence():
    for cells, word in ((Cells.of([np.nan]), "no number"), (Cells.of([4.0, 4.0]), "one value")):
        for make in (choose_margin, monotone, thresholds):
            with pytest.raises(ValueError, match=word):
                make(cells)
    with pytest.raises(ValueError, match="beyond its limits"):
        monotone(Cells.of([1.0, 2.0]), low=1.5)
    with pytest.raises(ValueError, match="measurement error"):
        thresholds(Cells.of([0.0, 1.0])).noise(0.1)
