import pytest
import torch

from ddlib.dbn.model.generate import random_networks, sample
from ddlib.dbn.model.moments import fit_moments, gaussian_moments, log_likelihood, mle, regressors, trajectory_moments
from ddlib.dbn.model.network import joint
from tests.ddlib.dbn.world import difference, generator, world


def test_fit_is_least_squares_variable_by_variable():
    graph, truth, _ = world()
    x = sample(truth, 30, 3, generator(2))
    model = mle(graph, x)
    ones = torch.ones(30, 1, dtype=torch.float64)
    for r in range(2):
        now, before = x[r, :, 1:].flatten(0, 1), x[r, :, :-1].flatten(0, 1)
        for i in range(4):
            intra, inter = graph.intra[r, i], graph.inter[r, i]
            design = torch.cat([torch.ones(60, 1, dtype=torch.float64), now[:, intra], before[:, inter]], dim=1)
            solution = torch.linalg.lstsq(design, now[:, i]).solution
            found = torch.cat([model.intercept[r, i].view(1), model.intra[r, i, intra], model.inter[r, i, inter]])
            torch.testing.assert_close(found, solution, rtol=1e-10, atol=1e-10)
            torch.testing.assert_close(model.variance[r, i], (now[:, i] - design @ solution).square().mean())
            design = torch.cat([ones, x[r, :, 0, graph.first[r, i]]], dim=1)
            solution = torch.linalg.lstsq(design, x[r, :, 0, i]).solution
            found = torch.cat([model.first_intercept[r, i].view(1), model.first_weights[r, i, graph.first[r, i]]])
            torch.testing.assert_close(found, solution, rtol=1e-10, atol=1e-10)


def test_fit_to_the_truths_moments_is_the_truth():
    graph, truth = random_networks(20, 10, generator())
    assert difference(fit_moments(gaussian_moments(joint(truth, 5), 5), regressors(graph)), truth) < 1e-10


def test_no_other_parameters_are_likelier():
    graph, truth, _ = world()
    x = sample(truth, 40, 3, generator(2))
    model = mle(graph, x)
    best = log_likelihood(model, x).sum(-1)
    draw = generator(3)
    masks = {"first_weights": graph.first, "intra": graph.intra, "inter": graph.inter}
    for name, part in model._asdict().items():
        change = 1e-3 * torch.randn(part.shape, dtype=part.dtype, generator=draw) * masks.get(name, 1)
        assert (log_likelihood(model._replace(**{name: part + change}), x).sum(-1) <= best).all()


def test_a_weight_of_two_is_two_copies():
    graph, truth, _ = world()
    x = sample(truth, 12, 3, generator(2))
    weights = torch.ones(2, 12, dtype=torch.float64)
    weights[:, :5] = 2
    doubled = torch.cat([x, x[:, :5]], dim=1)
    assert difference(mle(graph, x, weights), mle(graph, doubled)) < 1e-10
    assert difference(mle(graph, x, weights), mle(graph, x, 7.5 * weights)) < 1e-10


def test_moments_of_a_law_are_the_limit_of_the_moments_of_data():
    _, truth, _ = world()
    found = trajectory_moments(sample(truth, 200_000, 3, generator(4)))
    exact = gaussian_moments(joint(truth, 3), 3)
    for a, b in zip(found, exact, strict=True):
        torch.testing.assert_close(a, b, rtol=0.02, atol=0.05)


def test_extra_axes_give_what_a_loop_gives():
    graph, truth, _ = world()
    x = torch.stack([sample(truth, 15, 3, generator(k)) for k in range(3)])
    many = mle(graph, x)
    for k in range(3):
        assert max(float((a[k] - b).abs().max()) for a, b in zip(many, mle(graph, x[k]), strict=True)) < 1e-11


def test_gradient_of_the_fit():
    graph, truth, _ = world(variables=3)
    x = sample(truth, 8, 3, generator(2)).requires_grad_()
    w = (0.5 + torch.rand(2, 8, dtype=torch.float64, generator=generator(3))).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, w: tuple(mle(graph, x, w)), (x, w))


def test_too_few_or_collinear_trajectories_are_refused():
    graph, truth, _ = world()
    with pytest.raises(ValueError, match="too few"):
        mle(graph, sample(truth, 2, 3, generator()))
    same = sample(truth, 1, 3, generator()).expand(-1, 20, -1, -1)
    with pytest.raises(ValueError, match="collinear"):
        mle(graph, same)


def test_fit_at_the_rank_limit():
    graph, truth, _ = world(variables=4)
    most = int(graph.first.sum(-1).max())
    model = mle(graph, sample(truth, most + 2, 5, generator()))
    assert (model.first_variance > 0).all()
