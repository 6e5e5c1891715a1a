"""The ridge: its penalty, its closed M-step and its maximum against SciPy; accelerated EM against SciPy, too."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from ddlib.dbn.estimators.accelerated import maximum_likelihood
from ddlib.dbn.estimators.ridge import Ridge, fit_with_ridge, penalty, ridge, ridge_maximum
from ddlib.dbn.likelihood.information import directions
from ddlib.dbn.likelihood.observed import expected_trajectories, observed_log_likelihood
from ddlib.dbn.model.generate import random_networks
from ddlib.dbn.model.moments import gaussian_moments, mean_log_likelihood, regressors
from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.sources import draw_sources, random_pattern, statistics
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.dbn.task.ridge_merge import RidgeMerge
from tests.ddlib.dbn.world import difference, generator, world

SLICES = 3


def free(graph, model, objective, start):
    """Minimise over the free parameters of one network, variances on the log scale, with SciPy's BFGS from another start."""
    steps = directions(graph, SLICES)

    def at(coordinates):
        moved = Dbn(*(torch.einsum("d,d...->...", coordinates, step) for step in steps))
        return moved._replace(first_variance=moved.first_variance.exp(), variance=moved.variance.exp())

    def value(vector):
        coordinates = torch.tensor(vector, dtype=torch.float64, requires_grad=True)
        found = objective(at(coordinates)).sum()
        return found.item(), torch.autograd.grad(found, coordinates)[0].numpy()

    found = minimize(value, start * np.ones(len(steps.variance)), jac=True, method="BFGS", options={"gtol": 1e-8, "maxiter": 2000})
    return at(torch.tensor(found.x, dtype=torch.float64)), found.fun


def single(replicate=0, trajectories=300):
    graph, _, sources = world(variables=3, trajectories=trajectories)
    data = statistics(sources)
    return (
        Graph(*(mask[replicate : replicate + 1] for mask in graph)),
        type(data)(*(part[replicate : replicate + 1] for part in data)),
    )


def test_accelerated_em_finds_scipys_maximum():
    graph, data = single()
    found = maximum_likelihood(graph, data, SLICES)
    total = data.size.sum()
    brute, least = free(graph, found.model, lambda m: -observed_log_likelihood(m, data, SLICES).sum() / total, 0.1)
    assert float(found.path[-1]) == pytest.approx(-least, abs=1e-9)
    assert difference(found.model, brute) < 1e-4


@pytest.mark.parametrize("share", [0.003, 0.3])
def test_the_penalised_maximum_is_scipys(share):
    graph, data = single()
    strength = ridge(graph, data, SLICES, share)
    found = ridge_maximum(graph, data, SLICES, strength)
    assert found.converged.all()
    total = data.size.sum()

    def objective(model):
        return penalty(model, strength, SLICES) - observed_log_likelihood(model, data, SLICES).sum() / total

    brute, least = free(graph, found.model, objective, 0.1)
    assert float(found.path[-1]) == pytest.approx(-least, abs=1e-9)
    assert difference(found.model, brute) < 1e-4


@given(seed=st.integers(0, 2**31 - 1), share=st.floats(0.0, 1.0), noise=st.floats(0.05, 1.0), hidden=st.sampled_from([0.0, 0.34]))
@settings(max_examples=20, deadline=None)
def test_em_with_a_ridge_never_lowers_the_penalised_likelihood(seed, share, noise, hidden):
    draw = generator(seed)
    graph, truth = random_networks(2, 3, draw)
    pattern = random_pattern(2, 4, SLICES, 3, draw, hidden=hidden)
    data = statistics(draw_sources(truth, pattern, 30, draw, noise))
    path = ridge_maximum(graph, data, SLICES, ridge(graph, data, SLICES, share), cycles=30).path
    assert path.diff(dim=0).min() > -1e-9


def test_the_m_step_is_the_maximum_of_the_expected_penalised_likelihood():
    graph, truth, sources = world()
    data = statistics(sources)
    moments = gaussian_moments(expected_trajectories(truth, data, SLICES)[0], SLICES)
    strength = ridge(graph, data, SLICES, 0.1)
    best = fit_with_ridge(moments, regressors(graph), strength)

    def value(model):
        return mean_log_likelihood(model, moments, SLICES) - penalty(model, strength, SLICES)

    masks = (1, graph.first, 1, 1, graph.intra, graph.inter, 1)
    parts = [part.clone().requires_grad_() for part in best]
    gradients = torch.autograd.grad(value(Dbn(*parts)).sum(), parts)
    assert max(float((gradient * mask).abs().max()) for gradient, mask in zip(gradients, masks, strict=True)) < 1e-10
    for seed in range(5):
        other = Dbn(*(p + 0.05 * m * torch.rand(p.shape, generator=generator(seed)) for p, m in zip(best, masks, strict=True)))
        assert (value(other) < value(best)).all()


def test_a_ridge_counts_pseudo_patients_and_none_is_none():
    graph, _, sources = world()
    data = statistics(sources)
    each = ridge(graph, data, SLICES, torch.tensor([0.1, 0.4], dtype=torch.float64))
    for r, share in enumerate((0.1, 0.4)):
        one = ridge(graph, data, SLICES, share)
        assert all(torch.equal(a[r], b[r]) for a, b in zip(each, one, strict=True))
    none = ridge(graph, data, SLICES, 0.0)
    assert difference(ridge_maximum(graph, data, SLICES, none).model, maximum_likelihood(graph, data, SLICES).model) < 1e-5
    for bad in (-0.1, torch.tensor([0.1, -0.2])):
        with pytest.raises(ValueError, match="0 or more"):
            ridge(graph, data, SLICES, bad)


def test_the_task_with_a_ridge_adds_the_penalty_to_the_training_risk_only():
    graph, truth, sources = world()
    task = MergeTask(graph, truth, sources)
    with_it = RidgeMerge(task, 0.2)
    expected = task.risk(truth) + penalty(truth, ridge(graph, task.statistics, SLICES, 0.2), SLICES)
    torch.testing.assert_close(with_it.risk(truth), expected)
    torch.testing.assert_close(with_it.risk(truth, "test"), task.risk(truth, "test"))
    same = RidgeMerge(task, Ridge(*with_it.strength))
    torch.testing.assert_close(same.risk(truth), expected)
    assert with_it.name == "merge_ridge" and not hasattr(task, "strength")
