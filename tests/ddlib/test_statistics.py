import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ddlib.statistics import estimate, median_coverage, paired_difference


def test_the_mean_has_students_interval():
    values = [1.0, 2.0, 4.0, 7.0]
    oracle = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    value, low, high, n = estimate(values)
    assert (value, low, high, n) == pytest.approx((3.5, oracle.low, oracle.high, 4))


@pytest.mark.parametrize("n", [6, 10, 25])
def test_the_medians_interval_covers_at_least_95_percent(n):
    draws = np.random.default_rng(0).exponential(size=(4000, n))
    covered = [low <= np.log(2) <= high for _, low, high, _ in (estimate(row, "median") for row in draws)]
    assert np.mean(covered) >= 0.94


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
@settings(max_examples=50)
def test_the_median_lies_in_its_interval(values):
    value, low, high, n = estimate(values, "median")
    assert low <= value <= high
    assert n == len(values)


@pytest.mark.parametrize("values", [[], [1.0, float("nan")]])
def test_no_value_or_one_that_is_not_finite_is_refused(values):
    with pytest.raises(ValueError, match="at least one value"):
        estimate(values)


@pytest.mark.parametrize("statistic", ["medain", "geometric_mean", "", None])
def test_a_statistic_that_there_is_not_is_refused(statistic):
    with pytest.raises(ValueError, match="mean or median"):
        estimate([1.0, 2.0], statistic)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_one_value_has_no_interval(statistic):
    value, low, high, n = estimate([1.0], statistic)
    assert (value, n) == (1.0, 1)
    assert np.isnan([low, high]).all()


def test_fewer_than_six_values_give_their_range_which_covers_less():
    assert estimate([4.0, 1.0, 9.0, 2.0, 3.0], "median")[1:3] == (1.0, 9.0)
    assert [median_coverage(n) for n in range(1, 6)] == pytest.approx([1 - 2.0 ** (1 - n) for n in range(1, 6)])
    assert all(median_coverage(n) >= 0.95 for n in range(6, 200))


def test_paired_difference_removes_what_the_replicates_share():
    shared = np.array([0.0, 10.0, 20.0])
    value, low, high, _ = paired_difference(shared + 1.0, shared)
    assert (value, low, high) == pytest.approx((1.0, 1.0, 1.0))
