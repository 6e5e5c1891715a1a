"""The expected regret of complete data in finite samples, against Monte Carlo and its limit."""

import pytest
import torch

from ddbook.chapters.merge.limit.untied import unrolled, unrolled_graph
from ddbook.kit.merge.finite import complete_regret, effective_trajectories, family_regret
from ddlib.dbn.estimators.static import first_slice_moments
from ddlib.dbn.likelihood.information import dimension
from ddlib.dbn.model.generate import random_networks, sample
from ddlib.dbn.model.moments import expected_log_likelihood, fit_moments, mean_log_likelihood, mle, regressors
from ddlib.dbn.model.network import Dbn, joint
from tests.ddlib.dbn.world import generator

SLICES = 3


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
