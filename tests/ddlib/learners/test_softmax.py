import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from ddlib.learners import SoftmaxRegression, logistic
from ddlib.problem import Distilled
from tests.ddlib.worlds import generator, noisy_classes, random_data, seeds


def gradient(learner, data, model):
    model = model.clone().requires_grad_()
    return torch.autograd.grad(learner.objective(model, data).sum(), model)[0]


@given(seeds, st.sampled_from([2, 3, 5]), st.sampled_from([1e-2, 1.0, 30.0]), st.booleans())
@settings(max_examples=20)
def test_the_fit_is_the_objectives_minimiser(seed, count, penalty, soft):
    data, learner = noisy_classes(seed, count, replicates=2), SoftmaxRegression(penalty, soft)
    if soft:
        data = data._replace(y=data.y + 0.3 * torch.randn(data.y.shape, generator=generator(seed), dtype=torch.float64))
    model = learner.fit(data)
    assert model.shape == (2, 4 * count)
    assert gradient(learner, data, model).norm() < 1e-8 * (data.w * data.x.norm(dim=-1)).sum()
    assert model[:, -count:].sum(-1).abs().max() < 1e-10


@pytest.mark.parametrize("soft", [False, True])
def test_large_models_are_fitted_without_a_hessian_to_the_same_minimiser(monkeypatch, soft):
    data, learner = noisy_classes(0), SoftmaxRegression(0.1, soft)
    small = learner.fit(data)
    monkeypatch.setattr("ddlib.learners.softmax._LARGE", 0)
    torch.testing.assert_close(learner.fit(data), small, rtol=1e-7, atol=1e-7)


def test_agrees_with_scikit_learn_on_weighted_rows():
    data, x = noisy_classes(1, 4), random_data(2).x
    oracle = LogisticRegression(C=0.5, tol=1e-12, solver="newton-cholesky")
    oracle.fit(data.x[0].numpy(), data.y[0].argmax(-1).numpy(), data.w[0].numpy())
    learner = SoftmaxRegression(2.0)
    ours = learner.predict(learner.fit(data), x).softmax(-1)[0]
    np.testing.assert_allclose(ours, oracle.predict_proba(x[0].numpy()), rtol=1e-6, atol=1e-9)


def test_two_classes_are_binary_logistic_regression():
    """Two weight vectors share the penalty of their difference, so that it counts half."""
    data = noisy_classes(3, 2)
    learner = SoftmaxRegression(2.0)
    score = learner.predict(learner.fit(data), data.x)
    oracle = LogisticRegression(C=1.0, tol=1e-12, solver="newton-cholesky")
    oracle.fit(data.x[0].numpy(), data.y[0].argmax(-1).numpy(), data.w[0].numpy())
    np.testing.assert_allclose(score[0, :, 1] - score[0, :, 0], oracle.decision_function(data.x[0].numpy()), rtol=1e-6, atol=1e-8)
    centred = Distilled(torch.cat([data.x, -data.x], 1), torch.cat([data.y, -data.y], 1), torch.cat([data.w, data.w], 1))
    score = learner.predict(learner.fit(centred), data.x)  # by symmetry its intercept is zero
    signed = centred._replace(y=2 * centred.y[..., 1])
    expected = (data.x @ logistic(signed, 1.0).unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(score[..., 1] - score[..., 0], expected, rtol=1e-6, atol=1e-8)


def test_soft_labels_are_rows_that_are_repeated_per_class():
    data = noisy_classes(4)
    y = data.y + torch.rand(data.y.shape, generator=generator(), dtype=torch.float64) - 0.5
    q = (y + 1 / 3).clamp(min=0)
    q = q / q.sum(-1, keepdim=True)
    eye = torch.eye(3, dtype=torch.float64) - 1 / 3
    repeated = Distilled(data.x.repeat_interleave(3, -2), eye.repeat(60, 1)[None], (data.w.unsqueeze(-1) * q).flatten(-2))
    soft, hard = SoftmaxRegression(soft=True), SoftmaxRegression()
    torch.testing.assert_close(soft.fit(data._replace(y=y)), hard.fit(repeated), rtol=1e-7, atol=1e-8)
    torch.testing.assert_close(soft.fit(data), hard.fit(data), rtol=1e-7, atol=1e-8)
    nothing = soft._probabilities(torch.full((1, 1, 4), -1.0))
    assert (nothing == 0.25).all()


def test_classes_without_data_are_never_the_best():
    data, learner = noisy_classes(5), SoftmaxRegression(0.1)
    wide = torch.cat([data.y[..., :1], torch.full((1, 60, 1), -1.0, dtype=torch.float64), data.y[..., 1:]], -1)
    model = learner.fit(data._replace(y=wide))
    assert gradient(learner, data._replace(y=wide), model).norm() < 1e-8
    score, x = learner.predict(model, 100 * data.x), 100 * data.x
    torch.testing.assert_close(score[..., [0, 2, 3]], learner.predict(learner.fit(data), x), rtol=1e-9, atol=1e-9)
    assert (score.softmax(-1)[..., 1] < 1e-17).all()


def test_one_class_and_no_data_have_a_model_too():
    data, learner = noisy_classes(6), SoftmaxRegression()
    only = (data.y[..., 2] > 0).double()
    model = learner.fit(data._replace(w=only))
    assert (learner.predict(model, data.x).argmax(-1) == 2).all()
    assert gradient(learner, data._replace(w=only), model).norm() < 1e-12
    assert (learner.fit(data._replace(w=0 * only)) == 0).all()


def test_shift_and_scale_of_the_columns_do_not_hinder_convergence():
    data = noisy_classes(7)
    far = data._replace(x=1e3 * data.x + 1e6)
    score, expected = (SoftmaxRegression(p).predict(SoftmaxRegression(p).fit(d), d.x) for p, d in ((1e6, far), (1.0, data)))
    torch.testing.assert_close(score, expected, rtol=1e-5, atol=1e-5)


def test_leading_axes_broadcast():
    data, learner = noisy_classes(8, replicates=3), SoftmaxRegression()
    model = learner.fit(data)
    for r in range(3):
        torch.testing.assert_close(model[r : r + 1], learner.fit(Distilled(*(part[r : r + 1] for part in data))))
    stacked = learner.fit(Distilled(*(part.unsqueeze(1) for part in data)))
    assert stacked.shape == (3, 1, 12)
    assert learner.predict(stacked, data.x).shape == (3, 3, 60, 3)
    torch.testing.assert_close(learner.objective(stacked, data).diagonal(), learner.objective(model, data))


def test_objective_is_differentiable_in_model_and_data():
    data, learner = noisy_classes(9, n=6, d=2), SoftmaxRegression(soft=True)
    data = data._replace(y=data.y + 0.4)
    inputs = (torch.randn(1, 9, generator=generator(), dtype=torch.float64), *data)
    assert torch.autograd.gradcheck(lambda model, *s: learner.objective(model, Distilled(*s)), [p.requires_grad_() for p in inputs])


def test_what_makes_no_sense_is_refused():
    data, learner = noisy_classes(0), SoftmaxRegression()
    with pytest.raises(ValueError, match="a logistic penalty must be a positive number"):
        SoftmaxRegression(0.0)
    with pytest.raises(ValueError, match="one column per class"):
        learner.fit(data._replace(y=data.y[..., 0]))
    with pytest.raises(ValueError, match="weights must be 0 or more"):
        learner.fit(data._replace(w=-data.w))
    with pytest.raises(ValueError, match="needs finite data"):
        learner.fit(data._replace(x=data.x * float("inf")))
