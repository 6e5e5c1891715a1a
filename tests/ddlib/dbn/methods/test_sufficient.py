import pytest
import torch

from ddlib.closed_forms import carry
from ddlib.dbn.methods.sufficient import exact_trajectories, rows_moments, sufficient_rows, trajectories_needed
from ddlib.dbn.model.generate import random_graphs, random_networks, sample
from ddlib.dbn.model.moments import fit_moments, mean_log_likelihood, mle, regressors, trajectory_moments
from tests.ddlib.dbn.world import difference, generator


def test_points_carry_mean_and_covariance():
    root = torch.randn(3, 6, 6, dtype=torch.float64, generator=generator())
    mean, covariance = torch.randn(3, 6, dtype=torch.float64, generator=generator(1)), root @ root.mT
    points = carry(mean, covariance)
    assert points.shape == (3, 7, 6)
    torch.testing.assert_close(points.mean(1), mean, rtol=0, atol=1e-12)
    centred = points - mean.unsqueeze(1)
    torch.testing.assert_close(centred.mT @ centred / 7, covariance, rtol=0, atol=1e-12)


def test_weighted_rows_carry_every_structures_likelihood_and_fit():
    _, truth = random_networks(3, 5, generator())
    moments = trajectory_moments(sample(truth, 200, 4, generator(1)))
    rows = sufficient_rows(moments, 200, 4)
    assert rows.pairs.shape == (3, 11, 10) and rows.first.shape == (3, 6, 5)
    torch.testing.assert_close(rows.pair_weight.sum(-1), torch.full((3,), 600.0, dtype=torch.float64))
    for seed in range(5):
        graph = random_graphs(3, 5, generator(seed + 10))
        model = fit_moments(moments, regressors(graph))
        assert difference(fit_moments(rows_moments(rows), regressors(graph)), model) < 1e-10
        kept = mean_log_likelihood(model, rows_moments(rows), 4)
        torch.testing.assert_close(kept, mean_log_likelihood(model, moments, 4), rtol=0, atol=1e-10)


@pytest.mark.parametrize("extra", [0, 1, 20])
@pytest.mark.parametrize("slices", [2, 5, 10])
def test_trajectories_carry_a_known_graphs_fit(slices, extra):
    graph, truth = random_networks(10, 10, generator())
    x = exact_trajectories(graph, truth, trajectories_needed(graph) + extra, slices, generator(1))
    assert difference(mle(graph, x), truth) < 1e-10


def test_too_few_trajectories_are_refused():
    graph, truth = random_networks(2, 6, generator())
    needed = trajectories_needed(graph)
    with pytest.raises(ValueError, match=f"takes {needed} trajectories"):
        exact_trajectories(graph, truth, needed - 1, 3, generator())
    with pytest.raises(ValueError, match="at least 2 slices"):
        exact_trajectories(graph, truth, needed, 1, generator())
    with pytest.raises(ValueError, match="positive definite"):
        carry(torch.zeros(1, 2), torch.zeros(1, 2, 2))
