"""Twins of the patients, with and without stable levels, and their correlations over visits."""

import pytest
import torch

from ddbook.chapters.merge.hospitals.lags import lag_correlations
from ddbook.chapters.merge.hospitals.twins import Fitted, draw_twins, fit_both
from ddlib.dbn.estimators.levels import LevelDbn
from ddlib.dbn.estimators.static import visit_graph
from ddlib.dbn.model.generate import random_networks, sample
from ddlib.dbn.model.moments import mle
from ddlib.dbn.model.network import joint
from tests.ddlib.dbn.world import generator


def leveled(patients=3000, slices=4):
    graph = visit_graph(1, 2, "own")
    _, network = random_networks(1, 2, generator(3))
    network = mle(graph, sample(network, 5000, slices, generator(4)))
    level = torch.tensor([[1.0, 0.5]], dtype=torch.float64) * network.variance
    twins = draw_twins(Fitted(network, LevelDbn(network, level), torch.ones(patients, slices, 2).double()), generator(5))
    return network, level, twins


def test_twins_follow_their_laws_and_keep_the_gaps():
    network, level, twins = leveled()
    exact = joint(network, 4).covariance[0]
    torch.testing.assert_close(twins.markov.flatten(1).mT.cov(), exact, atol=0.15, rtol=0.15)
    added = level[0].diag().repeat(4, 4)
    torch.testing.assert_close(twins.levels.flatten(1).mT.cov(), exact + added, atol=0.2, rtol=0.15)
    gaps = torch.ones(10, 4, 2).double()
    gaps[3, 1] = torch.nan
    again = draw_twins(Fitted(network, LevelDbn(network, level), gaps), generator())
    assert bool((again.levels.isnan() == gaps.isnan()).all()) and bool((again.markov.isnan() == gaps.isnan()).all())


def test_levels_show_in_the_correlations_and_the_network_without_them_misses_it():
    _, _, twins = leveled()
    markov, levels = (lag_correlations(fit_both(values, 1e-8, 300)) for values in (twins.markov, twins.levels))
    assert float((markov.data - markov.network).abs().max()) < 0.05
    assert float((levels.data - levels.levels).abs().max()) < 0.05
    assert float(levels.data[-1] - levels.network[-1]) > 0.05  # the Markov network forgets too fast
    with pytest.raises(ValueError, match="at least 3 visits"):
        fit_both(twins.levels[:, :2])
