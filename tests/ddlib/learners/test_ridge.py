import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from ddlib.learners import ridge, ridge_objective
from ddlib.problem import Distilled
from tests.ddlib.worlds import generator, random_data, seeds


@given(seeds, st.sampled_from([0.1, 1.0, 30.0]))
def test_ridge_agrees_with_scikit_learn_on_weighted_rows(seed, penalty):
    data = random_data(seed)
    weights = torch.rand(data.w.shape, generator=generator(seed), dtype=torch.float64) + 0.1
    oracle = Ridge(penalty, fit_intercept=False, solver="svd").fit(data.x[0].numpy(), data.y[0].numpy(), weights[0].numpy())
    np.testing.assert_allclose(ridge(data._replace(w=weights), penalty)[0], oracle.coef_, rtol=1e-9, atol=1e-12)


def test_least_squares_takes_the_solution_of_least_norm():
    data = random_data(0, n=2, d=5)
    theta = ridge(data, 0.0)[0]
    np.testing.assert_allclose(theta, np.linalg.lstsq(data.x[0].numpy(), data.y[0].numpy(), rcond=None)[0], rtol=1e-10)


def test_primal_and_dual_forms_agree():
    data = random_data(1, n=3, d=5)
    silent = Distilled(*(torch.cat([part, torch.zeros_like(part)], 1) for part in data))
    torch.testing.assert_close(ridge(silent, 0.5), ridge(data, 0.5), rtol=1e-10, atol=1e-12)


def test_extra_leading_axes_are_the_same_as_a_loop():
    sets = [random_data(seed) for seed in range(3)]
    stacked = Distilled(*(torch.stack(parts) for parts in zip(*sets, strict=True)))
    torch.testing.assert_close(ridge(stacked, 1.0), torch.stack([ridge(one, 1.0) for one in sets]))


def test_gradient_agrees_with_finite_differences():
    data = random_data(2, n=4, d=3)
    inputs = tuple(part.clone().requires_grad_() for part in data)
    for penalty in (0.0, 1.0):
        assert torch.autograd.gradcheck(lambda *s: ridge(Distilled(*s), penalty), inputs)  # noqa: B023


def test_objective_is_smallest_at_the_solution():
    data = random_data(3)
    theta = ridge(data, 2.0)
    at = ridge_objective(theta, data, 2.0)
    for seed in range(5):
        step = 1e-3 * torch.randn(theta.shape, generator=generator(seed), dtype=torch.float64)
        assert (ridge_objective(theta + step, data, 2.0) > at).all()


@pytest.mark.parametrize("penalty", [-1.0, float("nan"), float("inf")])
def test_a_penalty_that_is_negative_or_not_finite_is_refused(penalty):
    with pytest.raises(ValueError, match="penalty must be 0 or a positive number"):
        ridge(random_data(0), penalty)


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_a_negative_weight_is_refused_and_weights_of_zero_are_no_data(penalty):
    data = random_data(0)
    with pytest.raises(ValueError, match="weights must be 0 or more"):
        ridge(data._replace(w=data.w - 2 * (data.w.cumsum(-1) == 3)), penalty)
    assert (ridge(data._replace(w=0 * data.w), penalty) == 0).all()
