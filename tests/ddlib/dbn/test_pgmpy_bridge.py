"""pgmpy as an independent oracle."""

import pytest
import torch

from ddlib.dbn import pgmpy_bridge
from ddlib.dbn.likelihood.observed import expected_trajectories
from ddlib.dbn.methods.baselines import CarriedEm, estimate_by_em
from ddlib.dbn.model.generate import sample
from ddlib.dbn.model.moments import log_likelihood, mle
from ddlib.dbn.model.network import joint, select
from ddlib.dbn.sources import statistics
from tests.ddlib.dbn.world import difference, generator, merge_task, world


@pytest.mark.parametrize("seed", range(3))
def test_maximum_likelihood(seed):
    graph, truth, _ = world(seed, variables=6)
    x = sample(truth, 40, 4, generator(seed))
    for r in range(2):
        assert difference(pgmpy_bridge.fit(graph, r, x[r]), select(mle(graph, x), [r])) < 1e-8


@pytest.mark.parametrize("seed", range(3))
def test_log_likelihood(seed):
    graph, truth, _ = world(seed, variables=6)
    x = sample(truth, 40, 4, generator(seed))
    for r in range(2):
        theirs = pgmpy_bridge.unroll(truth, graph, r, 4).log_likelihood(pgmpy_bridge.frame(x[r]))
        assert log_likelihood(truth, x)[r].sum().item() == pytest.approx(theirs, rel=1e-6)


def test_e_step():
    graph, truth, sources = world(trajectories=25)
    r, k = 1, 2
    only = type(sources)(*(part[:, k : k + 1] for part in sources))
    ours, _ = expected_trajectories(truth, statistics(only), 3)
    network = pgmpy_bridge.unroll(truth, graph, r, 3, noise=0.3)
    measured = pgmpy_bridge.frame(sources.values[r, k], kind="y").dropna(axis="columns")
    assert measured.shape == (25, 9)
    names, means, covariance = network.predict_probability(measured)
    order = [names.index(pgmpy_bridge.node(i, t)) for t in range(3) for i in range(4)]
    means, covariance = torch.as_tensor(means)[:, order], torch.as_tensor(covariance)[order][:, order]
    # pgmpy rounds its joint covariance to 8 decimals.
    torch.testing.assert_close(ours.mean[r], means.mean(0), rtol=0, atol=1e-6)
    torch.testing.assert_close(ours.covariance[r], covariance + means.T.cov(correction=0), rtol=0, atol=1e-6)


def test_refitting_the_limit_gives_ems_estimate():
    task = merge_task(variables=5, slices=4)
    estimate = estimate_by_em(task).model
    chosen = CarriedEm().choose(task, 12, generator())
    for r in range(2):
        assert difference(pgmpy_bridge.fit(task.graph, r, chosen.x[r]), select(estimate, [r])) < 1e-8


def test_unrolled_mean():
    graph, truth, _ = world()
    network = pgmpy_bridge.unroll(truth, graph, 0, 3)
    mean, _ = network.to_joint_gaussian()
    import networkx as nx

    order = [pgmpy_bridge.node(i, t) for t in range(3) for i in range(4)]
    found = dict(zip(nx.topological_sort(network), mean, strict=True))
    torch.testing.assert_close(torch.tensor([found[name] for name in order]), joint(truth, 3).mean[0], rtol=0, atol=1e-7)
