"""Fisher information against Monte-Carlo scores, known formulas and the regret of actual fits."""

import pytest
import torch

from ddlib.dbn.estimators.accelerated import maximum_likelihood
from ddlib.dbn.likelihood.information import dimension, directions, fisher_information, limits
from ddlib.dbn.model.generate import random_networks
from ddlib.dbn.model.moments import expected_log_likelihood
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
