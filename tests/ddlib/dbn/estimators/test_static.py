"""Networks of one slice, and of several in the same words."""

import pytest
import torch

from ddlib.dbn.estimators.static import chained_slice, estimate, fit_rows, repeated_slice, visit_graph
from ddlib.dbn.model.generate import random_networks, sample
from ddlib.dbn.model.moments import mle, regressors
from ddlib.dbn.model.network import joint
from ddlib.dbn.rivals import RIVALS
from ddlib.dbn.sources import Sources, statistics
from tests.ddlib.dbn.world import difference, generator


def test_one_complete_slice_has_its_mean_and_covariance_as_every_estimate():
    rows = torch.randn(2, 80, 1, 3, dtype=torch.float64, generator=generator(5)).cumsum(-1)
    graph = visit_graph(2, 3, "none")
    mean, centred = rows.mean(1), rows - rows.mean(1, keepdim=True)
    covariance = (centred.squeeze(2).mT @ centred.squeeze(2)) / 80
    shape = (2, 2, 1, 3)
    sources = Sources(rows.unflatten(1, (2, 40)), torch.ones(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.float64))
    models = [
        fit_rows(rows, torch.ones(2, 80, dtype=torch.float64), regressors(graph)),
        estimate(graph, statistics(sources), 1, 1e-13).model,
        RIVALS["available_case"](graph, repeated_slice(sources)),
        RIVALS["mean_imputation"](graph, repeated_slice(sources)),
        chained_slice(graph, sources),
    ]
    for model in models:
        got = joint(model, 1)
        torch.testing.assert_close(got.mean, mean.squeeze(1), atol=1e-6, rtol=1e-6)
        torch.testing.assert_close(got.covariance, covariance, atol=1e-6, rtol=1e-6)


def test_rows_of_several_slices_are_fitted_as_everywhere():
    graph, truth = random_networks(2, 3, generator())
    rows = sample(truth, 40, 3, generator(1))
    weights = torch.ones(2, 40, dtype=torch.float64)
    assert difference(fit_rows(rows, weights, regressors(graph)), mle(graph, rows)) < 1e-12


def test_the_stated_graphs():
    own, everything = visit_graph(1, 3, "own"), visit_graph(1, 3, "all")
    assert int(own.inter.sum()) == 3 and int(everything.inter.sum()) == 9 and int(own.intra.sum()) == int(own.first.sum()) == 3
    assert not bool(visit_graph(1, 3, "none").inter.any() | visit_graph(1, 3, "none").intra.any())
    with pytest.raises(ValueError, match="'own', 'all' or 'none'"):
        visit_graph(1, 3, "some")
