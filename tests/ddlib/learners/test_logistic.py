import numpy as np
import pytest
import torch
from hypothesis import given, settings
from sklearn.linear_model import LogisticRegression

from ddlib.learners import logistic
from ddlib.problem import Distilled
from tests.ddlib.worlds import generator, random_data, seeds


def signed(data: Distilled) -> Distilled:
    return data._replace(y=torch.where(data.y > data.y.median(), 1.0, -1.0).double())


@given(seeds)
@settings(max_examples=20)
def test_agrees_with_scikit_learn_on_weighted_rows(seed):
    data = signed(random_data(seed))
    weights = torch.rand(data.w.shape, generator=generator(seed), dtype=torch.float64) + 0.1
    oracle = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-12, solver="newton-cholesky")
    oracle.fit(data.x[0].numpy(), data.y[0].numpy(), weights[0].numpy())
    np.testing.assert_allclose(logistic(data._replace(w=weights), 2.0)[0], oracle.coef_[0], rtol=1e-5, atol=1e-7)


def test_converges_from_far_away_data():
    data = signed(random_data(0))
    theta = logistic(data._replace(x=1e4 * data.x), 1e-3)
    assert theta.isfinite().all()


def test_gradient_agrees_with_finite_differences():
    data = signed(random_data(1, n=5, d=2))
    x, w = data.x.clone().requires_grad_(), data.w.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x, w: logistic(Distilled(x, data.y, w), 1.0), (x, w), atol=1e-6)


def test_a_penalty_of_zero_is_refused():
    with pytest.raises(ValueError, match="penalty must be a positive number"):
        logistic(signed(random_data(0)), 0.0)


def test_data_that_are_not_finite_are_refused():
    data = signed(random_data(0))
    with pytest.raises(ValueError, match="did not converge"):
        logistic(data._replace(x=data.x * float("nan")), 1.0)


def test_a_negative_weight_is_refused_and_weights_of_zero_are_no_data():
    data = signed(random_data(0))
    with pytest.raises(ValueError, match="weights must be 0 or more"):
        logistic(data._replace(w=-data.w), 1.0)
    assert (logistic(data._replace(w=0 * data.w), 1.0) == 0).all()


@given(seeds)
@settings(max_examples=20)
def test_single_precision_converges_to_its_own_precision(seed):
    data = signed(random_data(seed))
    single = logistic(Distilled(*(part.float() for part in data)), 1.0)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), logistic(data, 1.0), rtol=1e-3, atol=1e-4)
