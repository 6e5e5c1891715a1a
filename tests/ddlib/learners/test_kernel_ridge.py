import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.kernel_ridge import KernelRidge as Oracle

from ddlib.learners import NTK, RBF, KernelRidge, Linear, kernel_ridge, ridge
from ddlib.problem import Distilled
from tests.ddlib.worlds import generator, random_data, seeds


def weighted(seed=0, n=20, d=3, columns=None):
    data = random_data(seed, n, d)
    draw = generator(seed)
    y = data.y if columns is None else torch.randn(1, n, columns, generator=draw, dtype=torch.float64)
    return data._replace(y=y, w=torch.rand(data.w.shape, generator=draw, dtype=torch.float64) + 0.1)


@given(seeds, st.sampled_from([0.01, 1.0, 30.0]), st.sampled_from([None, 4]))
@settings(max_examples=20)
def test_agrees_with_scikit_learn_on_weighted_rows(seed, penalty, columns):
    data, x = weighted(seed, columns=columns), random_data(seed + 1).x
    oracle = Oracle(alpha=penalty, kernel="rbf", gamma=0.5 / 1.5**2)
    oracle.fit(data.x[0].numpy(), data.y[0].numpy(), data.w[0].numpy())
    learner = KernelRidge(RBF(1.5), penalty)
    np.testing.assert_allclose(learner.predict(learner.fit(data), x)[0], oracle.predict(x[0].numpy()), rtol=1e-8, atol=1e-9)


@given(seeds, st.sampled_from([0.1, 10.0]))
@settings(max_examples=20)
def test_with_the_linear_kernel_it_is_ridge_regression(seed, penalty):
    learner, x = KernelRidge(Linear(), penalty), random_data(seed + 1).x
    data = weighted(seed)
    expected = (x @ ridge(data, penalty).unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(learner.predict(learner.fit(data), x), expected, rtol=1e-8, atol=1e-8)
    vector = weighted(seed, columns=2)
    expected = torch.stack([x[0] @ ridge(vector._replace(y=vector.y[..., c]), penalty)[0] for c in range(2)], -1)
    torch.testing.assert_close(learner.predict(learner.fit(vector), x)[0], expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("columns", [None, 2])
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("kernel", [Linear(0.3), RBF(2.0), NTK(2)], ids=str)
def test_gradient_agrees_with_finite_differences(kernel, relative, columns):
    inputs = tuple(part.requires_grad_() for part in weighted(1, 5, 2, columns))
    assert torch.autograd.gradcheck(lambda *s: kernel_ridge(Distilled(*s), kernel, 0.5, relative), inputs)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_gradient_is_exact_in_weights_that_are_zero(dtype):
    """At w = 0 the derivative of a unit's dual coefficient in its own weight is its residual over the penalty."""
    data = Distilled(*(part.to(dtype) for part in weighted()))
    w = data.w.clone()
    w[:, ::3] = 0
    w.requires_grad_()
    dual = kernel_ridge(data._replace(w=w), RBF(), 0.5)
    residual = data.y - (RBF()(data.x, data.x) @ dual.unsqueeze(-1)).squeeze(-1)
    for row in (0, 3):
        (gradient,) = torch.autograd.grad(dual[0, row], w, retain_graph=True)
        assert gradient.isfinite().all()
        torch.testing.assert_close(gradient[0, row], residual[0, row] / 0.5)
    x = random_data(1).x.to(dtype)
    (zero,) = torch.autograd.grad((RBF()(x, data.x) @ dual.unsqueeze(-1)).sum(), w)
    near = w.detach().clamp(min=1e-4).requires_grad_()
    (small,) = torch.autograd.grad((RBF()(x, data.x) @ kernel_ridge(data._replace(w=near), RBF(), 0.5).unsqueeze(-1)).sum(), near)
    torch.testing.assert_close(zero, small, rtol=1e-2, atol=1e-2)


def test_rows_of_weight_zero_say_nothing():
    data = weighted()
    half = data.w.clone()
    half[:, 10:] = 0
    kept = Distilled(*(part[:, :10] for part in data))
    dual = kernel_ridge(data._replace(w=half), RBF(), 0.1)
    torch.testing.assert_close(dual[:, :10], kernel_ridge(kept, RBF(), 0.1))
    assert (dual[:, 10:].abs() < 1e-200).all()
    for relative in (False, True):
        assert (kernel_ridge(data._replace(w=0 * half), RBF(), 0.1, relative).abs() < 1e-200).all()


def test_a_relative_penalty_knows_no_scale_of_weights_or_kernel():
    data = weighted()
    learner, x = KernelRidge(Linear(), 0.1, relative=True), random_data(1).x
    expected = learner.predict(learner.fit(data), x)
    for scaled, there in ((data._replace(w=7 * data.w), x), (data._replace(x=10 * data.x), 10 * x)):
        torch.testing.assert_close(learner.predict(learner.fit(scaled), there), expected)


@pytest.mark.parametrize("columns", [None, 2])
def test_leading_axes_broadcast(columns):
    sets = [weighted(seed, columns=columns) for seed in range(3)]
    stacked = Distilled(*(torch.stack(parts) for parts in zip(*sets, strict=True)))
    learner, x = KernelRidge(), random_data(9).x
    expected = torch.stack([learner.predict(learner.fit(one), x) for one in sets])
    torch.testing.assert_close(learner.predict(learner.fit(stacked), x), expected)
    shared = stacked._replace(x=sets[0].x[0])
    expected = torch.stack([learner.predict(learner.fit(one._replace(x=sets[0].x)), x) for one in sets])
    torch.testing.assert_close(learner.predict(learner.fit(shared), x), expected)


@pytest.mark.parametrize("penalty", [0.0, -1.0, float("nan"), float("inf")])
def test_a_penalty_that_is_not_positive_is_refused(penalty):
    with pytest.raises(ValueError, match="a kernel ridge penalty must be a positive number"):
        KernelRidge(penalty=penalty)
    with pytest.raises(ValueError, match="a kernel ridge penalty must be a positive number"):
        kernel_ridge(weighted(), RBF(), penalty)


def test_data_without_a_solution_are_refused():
    data = weighted()
    with pytest.raises(ValueError, match="weights must be 0 or more"):
        kernel_ridge(data._replace(w=-data.w), RBF(), 1.0)
    with pytest.raises(ValueError, match="drop or mend rows"):
        kernel_ridge(data._replace(x=data.x * float("nan")), RBF(), 1.0)
    twice = Distilled(*(torch.cat([1e6 * part, 1e6 * part], 1) for part in data))
    with pytest.raises(ValueError, match="at a penalty of 1e-20: raise it"):
        kernel_ridge(twice, Linear(), 1e-20)
