"""Stable patient levels: the exact law, EM against the likelihood, and what each model makes of such data."""

import pytest
import torch

from ddlib.dbn.estimators.accelerated import maximum_likelihood
from ddlib.dbn.estimators.levels import (
    LevelDbn,
    gaussian_entropy,
    level_joint,
    level_maximum_likelihood,
    pair_network,
)
from ddlib.dbn.likelihood.observed import law_log_likelihood, observed_log_likelihood
from ddlib.dbn.model.moments import gaussian_moments, mean_log_likelihood
from ddlib.dbn.model.network import Dbn, entropy, joint
from ddlib.dbn.rivals import RIVALS
from ddlib.dbn.sources import statistics
from tests.ddlib.dbn.world import difference, with_levels

SLICES = 4


def test_the_law_is_that_of_the_draws():
    _, model, sources = with_levels(trajectories=40_000, noise=0.0)
    law = level_joint(model, SLICES)
    data = statistics(sources)
    seen = data.observed[:, 0]
    both = seen.unsqueeze(-1) * seen.unsqueeze(-2)
    scale = law.covariance.diagonal(dim1=-2, dim2=-1).sqrt()
    off = (data.covariance[:, 0] - law.covariance) * both / (scale.unsqueeze(-1) * scale.unsqueeze(-2))
    assert off.abs().max() < 0.03
    assert ((data.mean[:, 0] - law.mean) * seen).abs().max() < 0.06


def test_without_levels_all_is_as_for_the_network():
    _, model, sources = with_levels()
    bare = LevelDbn(model.network, 0 * model.level)
    torch.testing.assert_close(level_joint(bare, SLICES).covariance, joint(model.network, SLICES).covariance)
    torch.testing.assert_close(gaussian_entropy(level_joint(bare, SLICES)), entropy(model.network, SLICES))
    data = statistics(sources)
    found = law_log_likelihood(level_joint(bare, SLICES), data)
    torch.testing.assert_close(found, observed_log_likelihood(model.network, data, SLICES))


def test_em_never_lowers_the_likelihood_and_ends_where_its_gradient_is_zero():
    graph, _, sources = with_levels(trajectories=300)
    data = statistics(sources)
    found = level_maximum_likelihood(graph, data, SLICES)
    assert found.converged.all()
    assert found.path.diff(dim=0).min() > -1e-9
    parts = [part.clone().requires_grad_() for part in (*found.model.network, found.model.level)]
    masks = (1, graph.first, 1, 1, graph.intra, graph.inter, 1)
    network = Dbn(*(part * mask for part, mask in zip(parts, masks, strict=False)))
    value = law_log_likelihood(level_joint(LevelDbn(network, parts[-1]), SLICES), data).sum() / 900
    gradients = torch.autograd.grad(value, parts)
    for part, gradient in zip(parts, gradients, strict=True):
        assert (gradient * part.detach().abs().clamp(min=1e-3)).abs().max() < 1e-4


def test_the_repaired_model_finds_the_truth_and_the_network_does_not():
    graph, model, sources = with_levels(trajectories=20_000)
    data = statistics(sources)
    repaired = level_maximum_likelihood(graph, data, SLICES, tolerance=1e-9).model
    assert difference(repaired.network, model.network) < 0.1
    assert (repaired.level - model.level).abs().max() < 0.1
    law = level_joint(model, SLICES)
    best, pairs = pair_network(graph, law, SLICES), gaussian_moments(law, SLICES)

    def regret(network):
        return mean_log_likelihood(best, pairs, SLICES) - mean_log_likelihood(network, pairs, SLICES)

    plain = regret(maximum_likelihood(graph, data, SLICES, tolerance=1e-9).model)
    fixed = regret(pair_network(graph, level_joint(repaired, SLICES), SLICES))
    moments = regret(RIVALS["available_case"](graph, sources))
    assert (fixed < 0.01).all()
    assert (plain > 10 * fixed).all()
    assert (plain > moments).all()


def test_a_share_that_is_none_is_refused():
    graph, _, sources = with_levels()
    data = statistics(sources)
    with pytest.raises(ValueError, match="share of the variance"):
        level_maximum_likelihood(graph, data, SLICES, begin=0.0)
