"""The combining rules against numbers computed by hand."""

import numpy as np
import pytest
from scipy import stats

from ddlib.merge import TableError, combine


def test_completed_by_hand():
    """b = 1, a = 4/3, T = 7/3, λ = 4/7: ν = 2 / λ² = 6.125 for endless records; with ν_c = 10, 1 / (1/6.125 + 1/3.626) = 2.278."""
    found = combine([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    assert found.estimate == pytest.approx(2.0) and found.error**2 == pytest.approx(7 / 3) and found.df == pytest.approx(6.125)
    assert found.high - 2.0 == pytest.approx(stats.t.ppf(0.975, 6.125) * (7 / 3) ** 0.5)
    few = combine([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], complete_df=10)
    assert few.df == pytest.approx(1 / (1 / 6.125 + 1 / (11 / 13 * 10 * 3 / 7)))
    assert few.error == found.error and few.high > found.high


def test_complete_records_need_no_rules():
    found = combine([1.0, 1.0], [4.0, 4.0], complete_df=7)
    assert found.error == 2.0 and found.df == pytest.approx(7 * 8 / 10) and np.isinf(combine([1.0, 1.0], [4.0, 4.0]).df)


def test_synthetic_by_hand():
    """b = 4, a = 16/3, T = 16/3 − 1, ν = 2 (1 − 3/16)²."""
    found = combine([0.0, 2.0, 4.0], [1.0, 1.0, 1.0], "synthetic", reference="t")
    assert found.error**2 == pytest.approx(13 / 3) and found.df == pytest.approx(2 * (13 / 16) ** 2)
    assert found.high - 2.0 == pytest.approx(stats.t.ppf(0.975, found.df) * found.error)


def test_the_interval_of_synthetic_tables_is_that_of_the_mixture():
    """Against two million draws; without scatter within tables the mixture is Student's t with m − 1 degrees of freedom."""
    found = combine([0.0, 2.0, 4.0, 5.0], [1.0, 1.0, 1.0, 1.0], "synthetic")
    draw = np.random.default_rng(0)
    spread = 3 * np.var([0, 2, 4, 5], ddof=1) / draw.chisquare(3, 2_000_000)
    spread = spread[spread > 1]
    size = np.quantile(np.abs(draw.normal(size=len(spread))) * (1.25 * spread - 1) ** 0.5, 0.95)
    assert found.high - found.estimate == pytest.approx(size, rel=0.02)
    plain = combine([0.0, 2.0, 4.0, 5.0], [0.0, 0.0, 0.0, 0.0], "synthetic")
    assert plain.high - plain.estimate == pytest.approx(stats.t.ppf(0.975, 3) * plain.error, rel=0.02)


def test_the_variance_of_synthetic_tables_is_not_negative():
    found = combine([0.0, 0.1, 0.2], [1.0, 1.0, 1.0], "synthetic", size_ratio=0.5)
    assert found.error**2 == pytest.approx(0.5) and found.df == 2


@pytest.mark.parametrize("kind", ["completed", "synthetic"])
def test_several_quantities_are_combined_one_by_one(kind):
    draw = np.random.default_rng(0)
    q, u = draw.normal(size=(6, 3, 2)), draw.random((6, 3, 2))
    together = combine(q, u, kind, level=0.9, complete_df=30)
    for place in np.ndindex(3, 2):
        alone = combine(q[:, *place], u[:, *place], kind, level=0.9, complete_df=30)
        assert [float(part[place]) for part in together] == pytest.approx([float(part) for part in alone])


@pytest.mark.parametrize("kind", ["completed", "synthetic"])
def test_intervals_of_ideal_draws_hold_the_truth(kind):
    """The truth is 0, the records' estimate q ~ N(0, V); tables are drawn as theory has it, and the interval holds 0 in 95 %."""
    draw = np.random.default_rng(1)
    merges, m, variance, within = 4_000, 20, 0.5, 0.3
    estimate = draw.normal(size=merges) * (variance + (within if kind == "completed" else 0)) ** 0.5
    scatter = variance + (within if kind == "synthetic" else 0)
    found = combine(estimate + draw.normal(size=(m, merges)) * scatter**0.5, np.full((m, merges), within), kind)
    assert np.mean((found.low < 0) & (found.high > 0)) == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1.0], [1.0]), {}, "at least 2 tables"),
        ((1.0, 1.0), {}, "at least 2 tables"),
        (([1.0, 2.0], [1.0]), {}, "needs its variance"),
        (([1.0, np.nan], [1.0, 1.0]), {}, "finite"),
        (([1.0, 2.0], [1.0, -1.0]), {}, "not negative"),
        (([1.0, 2.0], [1.0, 1.0]), {"kind": "merged"}, "'completed' or 'synthetic'"),
        (([1.0, 2.0], [1.0, 1.0]), {"reference": "z"}, "'mixture' or 't'"),
        (([1.0, 2.0], [1.0, 1.0]), {"level": 95}, "between 0 and 1"),
        (([1.0, 2.0], [1.0, 1.0]), {"complete_df": 0}, "above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, options, message):
    with pytest.raises(TableError, match=message):
        combine(*arguments, **options)
