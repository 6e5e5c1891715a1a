import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ddlib.statistics import best_set, contrast, crossed, estimate, holm, median_coverage, paired_difference


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


def study(generator, draws, units, by_draw, by_unit, left, rows=()):
    """Scores with a mean of 0: what draws, units and nothing of these bring, each with its standard deviation."""
    shape = (*rows, draws, 1), (*rows, 1, units), (*rows, draws, units)
    return sum(sd * generator.standard_normal(size) for sd, size in zip((by_draw, by_unit, left), shape, strict=True))


def test_the_error_of_crossed_draws_and_units_is_that_of_the_pigeonhole_bootstrap():
    generator = np.random.default_rng(0)
    values = study(generator, 40, 60, 0.3, 0.5, 1.0)
    rows, columns = (generator.multinomial(n, np.full(n, 1 / n), size=20_000) / n for n in values.shape)
    resampled = ((rows @ values) * columns).sum(-1)
    assert contrast(values).error == pytest.approx(resampled.std(), rel=0.03)


def test_without_test_units_a_contrast_is_students():
    values = np.array([1.0, 2.0, 4.0, 7.0])
    oracle = stats.ttest_1samp(values, 0)
    mean, error, freedom = contrast(values[:, None])
    assert (mean / error, freedom) == pytest.approx((oracle.statistic, 3))


@pytest.mark.parametrize(("by_draw", "by_unit", "left"), [(1, 0, 0.1), (0, 1, 0.1), (0.3, 0.3, 1), (1, 1, 1), (0, 0, 1)])
@pytest.mark.parametrize(("draws", "units"), [(3, 50), (10, 200), (4, 4)])
def test_the_interval_over_draws_and_units_covers(draws, units, by_draw, by_unit, left):
    found = contrast(study(np.random.default_rng(1), draws, units, by_draw, by_unit, left, rows=(1000,)))
    half = stats.t.ppf(0.975, found.freedom) * found.error
    assert (np.abs(found.mean) <= half).mean() >= 0.935  # 95 %, less two standard errors of 1000 studies


def test_the_estimate_has_the_interval_of_the_contrast_and_counts_draws():
    values = study(np.random.default_rng(2), 5, 30, 1, 1, 1)
    mean, error, freedom = contrast(values)
    low, high = stats.t.interval(0.95, freedom, mean, error)
    assert crossed(values) == pytest.approx((float(mean), low, high, 5))
    assert np.isnan(crossed(values[:1]).low)


@pytest.mark.parametrize("values", [np.zeros((0, 3)), np.zeros(3), np.array([[1.0, np.nan]]), np.zeros((2, 3, 4))])
def test_what_has_no_mean_over_draws_and_units_is_refused(values):
    with pytest.raises(ValueError, match="two axes"):
        crossed(values)


def test_a_contrast_of_one_draw_is_refused():
    with pytest.raises(ValueError, match="two draws"):
        contrast(np.zeros((1, 5)))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
@settings(max_examples=15)
def test_holm_is_that_of_statsmodels(probabilities):
    assert holm(np.array(probabilities)) == pytest.approx(multipletests(probabilities, method="holm")[1])


def test_a_p_value_is_between_0_and_1():
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm(np.array([0.5, 1.5]))


@pytest.mark.parametrize("units", [(), (60,)])
@pytest.mark.parametrize("gap", [0.0, 0.3, 2.0])
def test_the_best_row_stays_in_the_set_of_the_best(units, gap):
    generator, kept = np.random.default_rng(3), []
    for _ in range(600):
        values = 0.5 * generator.standard_normal((8, 5, *units)) + generator.standard_normal((1, 5, *[1 for _ in units]))
        values[0] += gap
        kept.append(best_set(values))
    assert np.mean([one[0] for one in kept]) >= 0.95
    if gap == 2:
        assert np.mean([sum(one) == 1 for one in kept]) >= (0.95 if units else 0.5)  # and the others do not


def test_rows_that_are_alike_are_all_among_the_best_and_a_steady_lead_is_one():
    same = np.tile([0.5, 0.6, 0.7], (3, 1))
    assert best_set(same) == [True, True, True]
    same[1] -= 0.1
    assert best_set(same) == [True, False, True]
    assert best_set(same[:1]) == [True]


def test_a_table_of_another_shape_has_no_best_rows():
    with pytest.raises(ValueError, match="two or three axes"):
        best_set(np.zeros(4))
