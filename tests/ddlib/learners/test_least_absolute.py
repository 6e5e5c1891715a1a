import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from sklearn.linear_model import QuantileRegressor

from ddlib.learners import absolute_objective, least_absolute
from ddlib.tasks import as_data
from tests.ddlib.worlds import diabetes, generator, random_data, seeds


def of(x, y):
    return as_data(torch.tensor(x, dtype=torch.float64), torch.tensor(y, dtype=torch.float64))


@given(seeds)
@settings(max_examples=20)
def test_agrees_with_scikit_learn_where_the_minimiser_is_unique(seed):
    data = random_data(seed)
    oracle = QuantileRegressor(quantile=0.5, alpha=0, fit_intercept=False).fit(data.x[0].numpy(), data.y[0].numpy())
    ours = absolute_objective(least_absolute(data), data)
    theirs = absolute_objective(torch.as_tensor(oracle.coef_)[None], data)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    ("labels", "nearest_to_zero"),
    [([1.0, 3.0], 1.0), ([-4.0, -2.0], -2.0), ([-1.0, 3.0], 0.0), ([5.0, 1.0, 2.0, 9.0], 2.0), ([1.0, 2.0, 7.0], 2.0)],
)
def test_of_all_medians_the_one_nearest_to_zero_is_taken(labels, nearest_to_zero):
    theta = least_absolute(of([[1.0]] * len(labels), labels))
    assert theta.item() == pytest.approx(nearest_to_zero, abs=1e-9)


@given(seeds, st.integers(1, 6), st.integers(1, 4))
@settings(max_examples=60)
def test_no_minimiser_has_a_smaller_norm(seed, m, d):
    """Small integers make ties common; random linear objectives over the optimal face find its other corners."""
    draw = np.random.default_rng(seed)
    x, y = draw.integers(-2, 3, (m, d)).astype(float), draw.integers(-3, 4, m).astype(float)
    theta = least_absolute(of(x, y))[0].numpy()
    eye, nothing = np.eye(m), np.zeros(d)
    equality = np.hstack([x, eye, -eye])
    free = [(None, None)] * d + [(0, None)] * (2 * m)
    best = linprog(np.r_[nothing, np.ones(2 * m)], A_eq=equality, b_eq=y, bounds=free).fun
    assert np.abs(y - x @ theta).sum() == pytest.approx(best, abs=1e-8)
    # θ is the least-norm minimiser if and only if no point of the (convex) face goes further along −θ
    face = linprog(
        np.r_[theta, np.zeros(2 * m)],
        A_ub=[np.r_[nothing, np.ones(2 * m)]],
        b_ub=[best + 1e-10],
        A_eq=equality,
        b_eq=y,
        bounds=free,
    )
    assert face.status == 0
    assert face.fun >= theta @ theta - 1e-6


def test_rows_of_weight_zero_say_nothing():
    data = random_data(0)
    half = data.w.clone()
    half[:, 10:] = 0
    kept = type(data)(*(part[:, :10] for part in data))
    torch.testing.assert_close(least_absolute(data._replace(w=half)), least_absolute(kept))
    assert (least_absolute(data._replace(w=torch.zeros_like(half))) == 0).all()


def test_minimum_on_real_data_is_local_minimum_in_every_direction():
    data = diabetes()
    theta = least_absolute(data)
    at = absolute_objective(theta, data)
    for seed in range(20):
        step = 1e-2 * torch.randn(theta.shape, generator=generator(seed), dtype=torch.float64)
        assert (absolute_objective(theta + step, data) >= at - 1e-9).all()


@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_the_scale_of_all_weights_changes_nothing(factor):
    data = diabetes()
    weights = torch.rand(data.w.shape, generator=generator(), dtype=torch.float64) + 0.1
    expected = least_absolute(data._replace(w=weights))
    torch.testing.assert_close(least_absolute(data._replace(w=factor * weights)), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("weight", "message"), [(-1.0, "weights must be 0 or more"), (float("inf"), "needs finite data")])
def test_weights_that_are_negative_or_not_finite_are_refused(weight, message):
    data = random_data(0)
    with pytest.raises(ValueError, match=message):
        least_absolute(data._replace(w=weight * data.w))


def test_data_that_are_not_finite_are_refused():
    data = random_data(0)
    with pytest.raises(ValueError, match="needs finite data"):
        least_absolute(data._replace(y=data.y * float("nan")))
