import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy import stats

from ddlib.learners import BayesianLinear, Posterior
from ddlib.problem import Distilled
from tests.ddlib.worlds import generator, random_data, seeds

LEARNER = BayesianLinear(0.7, 1.5, 0.8)
PLAIN = BayesianLinear(0.7, 1.5, 0.8, intercept=False)


def weighted(seed=0, n=20, d=3):
    data = random_data(seed, n, d)
    return data._replace(w=torch.rand(data.w.shape, generator=generator(seed), dtype=torch.float64) + 0.1)


def covariance(model):
    return model.factor @ model.factor.mT


@given(seeds)
@settings(max_examples=20)
def test_agrees_with_the_textbook(seed):
    data = weighted(seed)
    x, y, w = (part[0].numpy() for part in data)
    x = np.hstack([np.ones((20, 1)), x])
    prior = np.diag([1e-6, 0.7, 0.7, 0.7])
    v = np.linalg.inv(prior + (x.T * w) @ x)
    mean = v @ (x.T @ (w * y))
    rate = 0.8 + (w @ y**2 - mean @ np.linalg.solve(v, mean)) / 2
    model = LEARNER.fit(data)
    np.testing.assert_allclose(model.mean[0], mean, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(covariance(model)[0], v, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(model.shape[0], 1.5 + w.sum() / 2, rtol=1e-12)
    np.testing.assert_allclose(model.rate[0], rate, rtol=1e-8)
    low, high = LEARNER.interval(model, data.x, 0.8)
    spread = np.sqrt(rate / (1.5 + w.sum() / 2) * (1 + np.einsum("ip,pq,iq->i", x, v, x)))
    ends = stats.t.interval(0.8, 3 + w.sum(), x @ mean, spread)
    np.testing.assert_allclose(torch.cat([low, high]), ends, rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(LEARNER.predict(model, data.x), (low + high) / 2)


def test_a_weight_counts_as_that_many_rows():
    data = random_data(1)
    thrice = Distilled(*(part.repeat_interleave(3, 1) for part in data))
    for one, other in zip(LEARNER.fit(data._replace(w=3 * data.w)), LEARNER.fit(thrice), strict=True):
        torch.testing.assert_close(one, other)


def test_intervals_cover_samples_of_the_posterior_predictive():
    model, x, size = LEARNER.fit(weighted(n=6)), random_data(3, n=4).x, 100_000
    draw = np.random.default_rng(0)
    variance = torch.as_tensor(stats.invgamma.rvs(model.shape[0], scale=model.rate[0], size=(size, 1), random_state=draw))
    theta = model.mean + variance.sqrt() * torch.as_tensor(draw.standard_normal((size, 4))) @ model.factor[0].T
    label = theta @ torch.cat([torch.ones(4, 1), x[0]], -1).T + variance.sqrt() * torch.as_tensor(draw.standard_normal((size, 4)))
    for level in (0.5, 0.9):
        low, high = LEARNER.interval(model, x, level)
        covered = ((label > low) & (label < high)).double().mean(0)
        assert (covered - level).abs().max() < 4 * (level * (1 - level) / size) ** 0.5


def test_a_few_weighted_rows_carry_the_whole_posterior():
    """The R factor of [1 x y] has the data's second moments, so that d + 2 rows are as good as all of them."""
    data, (n, d) = random_data(2, n=500, d=4), (500, 4)
    table = torch.cat([torch.ones(1, n, 1), data.x, data.y.unsqueeze(-1)], -1)
    rows = torch.linalg.qr(table).R * ((d + 2) / n) ** 0.5
    small = Distilled(rows[..., :-1], rows[..., -1], torch.full((1, d + 2), n / (d + 2), dtype=torch.float64))
    exact, carried = PLAIN.fit(Distilled(table[..., :-1], data.y, data.w)), PLAIN.fit(small)
    for field in ("mean", "shape", "rate"):
        torch.testing.assert_close(getattr(carried, field), getattr(exact, field), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(covariance(carried), covariance(exact), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("learner", [LEARNER, PLAIN], ids=["intercept", "plain"])
def test_gradient_agrees_with_finite_differences(learner):
    inputs = tuple(part.requires_grad_() for part in weighted(4, n=5, d=2))
    there = random_data(5, n=3, d=2).x

    def outcome(x, y, w):
        model = learner.fit(Distilled(x, y, w))
        return (*model[:1], covariance(model), *model[2:], learner.predict(model, there))

    assert torch.autograd.gradcheck(outcome, inputs)
    fixed = inputs[2].detach()
    ends = lambda x, y: learner.interval(learner.fit(Distilled(x, y, fixed)), there)  # noqa: E731
    assert torch.autograd.gradcheck(ends, inputs[:2])


def test_gradient_is_exact_in_weights_that_are_zero():
    """At w = 0 the mean moves by V x times the residual."""
    data = weighted()
    w = data.w.clone()
    w[:, ::3] = 0
    w.requires_grad_()
    model = PLAIN.fit(data._replace(w=w))
    residual = data.y - PLAIN.predict(model, data.x)
    expected = (covariance(model) @ data.x.mT * residual.unsqueeze(-2))[0].detach()
    for k in range(3):
        (gradient,) = torch.autograd.grad(model.mean[0, k], w, retain_graph=True)
        torch.testing.assert_close(gradient[0], expected[k])


def test_rows_of_weight_zero_say_nothing():
    data = weighted()
    w = data.w.clone()
    w[:, 10:] = 0
    kept = Distilled(*(part[:, :10] for part in data))
    for one, other in zip(LEARNER.fit(data._replace(w=w)), LEARNER.fit(kept), strict=True):
        torch.testing.assert_close(one, other)
    prior = PLAIN.fit(data._replace(w=0 * w))
    torch.testing.assert_close(covariance(prior)[0], torch.eye(3, dtype=torch.float64) / 0.7)
    assert (prior.mean.abs() < 1e-200).all()
    assert (prior.shape == 1.5).all()
    assert (prior.rate == 0.8).all()


def test_columns_far_from_zero_keep_their_digits():
    data = weighted()
    far = data._replace(x=data.x + 1e5)
    model, table = LEARNER.fit(far), torch.cat([torch.ones(1, 20, 1), far.x], -1)
    root = torch.cat([data.w[0].sqrt(), torch.ones(4)])
    prior = torch.tensor([1e-3, 0.7**0.5, 0.7**0.5, 0.7**0.5], dtype=torch.float64).diag()
    stacked = root.unsqueeze(-1) * torch.cat([table[0], prior])
    target = root * torch.cat([data.y[0], torch.zeros(4)])
    expected = np.linalg.lstsq(stacked.numpy(), target.numpy(), rcond=None)[0]
    np.testing.assert_allclose(LEARNER.predict(model, far.x)[0], table[0].numpy() @ expected, rtol=1e-7, atol=1e-7)


def test_the_rate_stays_above_its_prior_where_labels_fit_exactly():
    data = random_data(0)
    exact = data._replace(y=1e8 * (data.x.sum(-1)), x=1e8 * data.x)
    assert (BayesianLinear(1e-3, 1.0, 1e-6, intercept=False).fit(exact).rate >= 1e-6).all()


def test_leading_axes_broadcast():
    sets = [weighted(seed) for seed in range(3)]
    stacked = Distilled(*(torch.stack(parts) for parts in zip(*sets, strict=True)))
    x = random_data(9).x
    model = LEARNER.fit(stacked)
    each = [LEARNER.fit(one) for one in sets]
    for field, part in enumerate(Posterior._fields):
        torch.testing.assert_close(getattr(model, part), torch.stack([one[field] for one in each]))
    ends = torch.stack(LEARNER.interval(model, x))
    torch.testing.assert_close(ends, torch.stack([torch.stack(LEARNER.interval(one, x)) for one in each], 1))
    shared = LEARNER.fit(stacked._replace(x=stacked.x[0]))
    torch.testing.assert_close(shared.rate[1], LEARNER.fit(sets[1]._replace(x=sets[0].x)).rate)


@pytest.mark.parametrize("option", ["prior_precision", "shape", "rate"])
def test_what_makes_no_sense_is_refused(option):
    with pytest.raises(ValueError, match="must be a positive number"):
        BayesianLinear(**{option: 0.0})
    data = random_data(0)
    with pytest.raises(ValueError, match="one number as each label"):
        LEARNER.fit(data._replace(y=data.y.unsqueeze(-1)))
    with pytest.raises(ValueError, match="weights must be 0 or more"):
        LEARNER.fit(data._replace(w=-data.w))
    with pytest.raises(ValueError, match="no posterior"):
        LEARNER.fit(data._replace(x=data.x * float("nan")))
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        LEARNER.interval(LEARNER.fit(data), data.x, 1.0)
