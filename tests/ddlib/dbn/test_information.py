"""Fisher information against Monte-Carlo scores, known formulas and the regret of actual fits."""

import pytest
import torch

from ddbook.chapters.merge.limit.untied import unrolled, unrolled_graph
from ddbook.kit.merge.finite import complete_regret, effective_trajectories, family_regret
from ddlib.dbn.estimators.accelerated import maximum_likelihood
from ddlib.dbn.estimators.static import first_slice_moments
from ddlib.dbn.likelihood.information import dimension, directions, fisher_information, limits
from ddlib.dbn.model.generate import random_networks, sample
from ddlib.dbn.model.moments import expected_log_likelihood, fit_moments, mean_log_likelihood, mle, regressors
from ddlib.dbn.model.network import Dbn, Graph, joint, select
from ddlib.dbn.sources import draw_sources, random_pattern, statistics
from tests.ddlib.dbn.world import generator, world

SLICES = 3


def one(graph, replicate=0):
    return Graph(*(mask[replicate : replicate + 1] for mask in graph))


def score(graph, model, seen, noise, y):
    """Gradient of each row's log-density in the free parameters, by automatic differentiation."""
    steps = directions(graph, SLICES)

    def density(coordinates):
        at = Dbn(*(part + torch.einsum("d,d...->...", coordinates, step) for part, step in zip(model, steps, strict=True)))
        law = joint(at, SLICES)
        index = seen.nonzero().squeeze(-1)
        covariance = law.covariance[0][index][:, index] + torch.diag(noise[index])
        return torch.distributions.MultivariateNormal(law.mean[0][index], covariance).log_prob(y)

    return torch.func.jacfwd(density)(torch.zeros(len(steps.variance), dtype=torch.float64))


def test_information_is_the_covariance_of_the_score():
    graph, truth, sources = world(variables=3)
    data, r = statistics(sources), 1
    graph, model = one(graph, r), select(truth, [r])
    found = fisher_information(graph, model, data.observed[r], data.noise[r], SLICES)
    law = joint(model, SLICES)
    index = data.observed[r, 0].nonzero().squeeze(-1)
    covariance = law.covariance[0][index][:, index] + torch.diag(data.noise[r, 0][index])
    torch.manual_seed(0)
    y = torch.distributions.MultivariateNormal(law.mean[0][index], covariance).sample((20_000,))
    gradient = score(graph, model, data.observed[r, 0], data.noise[r, 0], y)
    empirical = gradient.T @ gradient / len(y)
    scale = found[0].diagonal().sqrt().clamp(min=1.0)  # entries that a hidden variable hides are zero
    assert ((empirical - found[0]) / (scale[:, None] * scale)).abs().max() < 0.06


def test_complete_information_is_the_curvature_of_regret():
    graph, truth, _ = world(variables=3)
    graph, model = one(graph), select(truth, [0])
    everything = torch.ones(1, 9, dtype=torch.float64)
    full = fisher_information(graph, model, everything, 0 * everything, SLICES)[0]
    steps = directions(graph, SLICES)

    def regret(coordinates):
        at = Dbn(*(part + torch.einsum("d,d...->...", coordinates, step) for part, step in zip(model, steps, strict=True)))
        return -expected_log_likelihood(at, model, SLICES).sum()

    curvature = torch.func.hessian(regret)(torch.zeros(len(full), dtype=torch.float64))
    torch.testing.assert_close(full, curvature, rtol=1e-8, atol=1e-8)


def test_complete_clean_data_keep_everything_and_give_dim_over_2n():
    graph, truth, sources = world()
    everything = torch.ones_like(sources.observed)
    data = statistics(draw_sources(truth, everything, 50, generator(1), noise=0.0))
    found = limits(graph, truth, data, SLICES)
    torch.testing.assert_close(found.dimension, dimension(graph))
    torch.testing.assert_close(found.kept, torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(found.bound, dimension(graph) / (2 * 150))
    torch.testing.assert_close(found.effective, torch.full((2,), 150.0, dtype=torch.float64))


def test_hiding_and_noise_lose_information():
    graph, truth, sources = world()
    clean = limits(graph, truth, statistics(sources._replace(noise=0 * sources.noise)), SLICES)
    noisy = limits(graph, truth, statistics(sources), SLICES)
    assert (noisy.kept < clean.kept).all()
    assert (clean.kept < 1).all()
    assert (noisy.bound > clean.bound).all()
    assert (clean.bound > clean.dimension / 600).all()  # 3 sources of 100 trajectories


def test_a_pair_never_together_is_not_identified_with_two_slices():
    graph = Graph(*(torch.tensor(m, dtype=torch.bool).unsqueeze(0) for m in ([[0, 0], [1, 0]], [[0, 0], [1, 0]], [[0, 0], [0, 0]])))
    weights = torch.tensor([[[0.0, 0], [0.5, 0]]], dtype=torch.float64)
    zero, one_ = torch.zeros(1, 2, dtype=torch.float64), torch.ones(1, 2, dtype=torch.float64)
    model = Dbn(zero, weights, one_, zero, weights, 0 * weights, one_)
    pattern = torch.tensor([[True, False], [False, True]]).view(1, 2, 1, 2).expand(1, 2, 2, 2)
    data = statistics(draw_sources(model, pattern, 100, generator()))
    found = limits(graph, model, data, 2)
    assert found.kept[0] < 1e-10
    assert found.bound[0] == torch.inf
    assert found.effective[0] == 0


def test_one_network_at_a_time():
    graph, truth, sources = world()
    data = statistics(sources)
    with pytest.raises(ValueError, match="one network at a time"):
        fisher_information(graph, truth, data.observed[0], data.noise[0], SLICES)


def test_the_finite_sample_regret_equals_monte_carlo():
    graph, truth = random_networks(1, 4, generator(3))
    n, draws = 14, 4000
    x = sample(Dbn(*(part.expand(draws, *part.shape[1:]) for part in truth)), n, 2, generator(4)).unsqueeze(1)
    regret = expected_log_likelihood(truth, truth, 2) - expected_log_likelihood(mle(graph, x), truth, 2).squeeze(-1)
    error = regret.std() / draws**0.5
    assert abs(regret.mean() - complete_regret(graph, n, 2)[0]) < 4 * error


def test_the_finite_sample_regret_of_untied_transitions_equals_monte_carlo():
    graph, truth = random_networks(1, 3, generator(3))
    n, draws = 14, 4000
    static, model = unrolled_graph(graph, SLICES), unrolled([truth] * (SLICES - 1))
    law = joint(model, 1)
    root = torch.linalg.cholesky(law.covariance[0])
    x = law.mean[0] + torch.randn(draws, n, 9, dtype=torch.float64, generator=generator(5)) @ root.T
    centred = x - x.mean(-2, keepdim=True)
    moments = first_slice_moments(x.mean(-2).unsqueeze(1), (centred.mT @ centred / n).unsqueeze(1))
    fitted = fit_moments(moments, regressors(static))
    at = first_slice_moments(law.mean, law.covariance)
    regret = (mean_log_likelihood(model, at, 1) - mean_log_likelihood(fitted, at, 1)).squeeze(-1)
    error = regret.std() / draws**0.5
    assert abs(regret.mean() - complete_regret(static, n, 1)[0]) < 4 * error


def test_the_finite_sample_regret_tends_to_the_first_order_and_is_infinite_for_too_few_rows():
    parents = torch.tensor([0, 1, 5])
    large = family_regret(1e6, parents)
    torch.testing.assert_close(large, (parents + 2).double() / 2e6, rtol=1e-4, atol=0)
    assert family_regret(5, parents).isinf().tolist() == [False, False, True]
    assert family_regret(4, parents).isinf().tolist() == [False, True, True]
    graph, _ = random_networks(2, 4, generator())
    torch.testing.assert_close(complete_regret(graph, 1e6, 4), dimension(graph) / 2e6, rtol=1e-4, atol=0)


def test_the_bound_is_reached_by_the_maximum_likelihood():
    graph, truth = random_networks(1, 3, generator(2))
    many = Dbn(*(part.expand(40, *part.shape[1:]).clone() for part in truth))
    graphs = Graph(*(mask.expand(40, *mask.shape[1:]) for mask in graph))
    pattern = random_pattern(1, 3, SLICES, 3, generator(2), hidden=0.34).expand(40, -1, -1, -1)
    data = statistics(draw_sources(many, pattern, 1000, generator(6)))
    found = maximum_likelihood(graphs, data, SLICES, tolerance=1e-10).model
    regret = expected_log_likelihood(many, many, SLICES) - expected_log_likelihood(found, many, SLICES)
    bound = limits(graph, truth, type(data)(*(part[:1] for part in data)), SLICES).bound[0]
    assert abs(regret.mean() - bound) < 4 * regret.std() / 40**0.5 + 0.05 * bound


@pytest.mark.parametrize("slices", [1, 2, 5])
def test_effective_trajectories_are_the_inverse_of_the_expected_regret(slices):
    graph, _ = random_networks(2, 6, generator(1))
    for n in (12.0, 100.0, 1e4):
        found = effective_trajectories(graph, complete_regret(graph, n, slices), slices)
        torch.testing.assert_close(found, torch.full((2,), n, dtype=torch.float64), rtol=1e-6, atol=0)
    assert effective_trajectories(graph, torch.zeros(2, dtype=torch.float64), slices).isinf().all()
    least = effective_trajectories(graph, torch.full((2,), 1e9, dtype=torch.float64), slices)
    assert complete_regret(graph, least * (1 + 1e-9), slices).isfinite().all()
    assert complete_regret(graph, least * (1 - 1e-6), slices).isinf().all()
