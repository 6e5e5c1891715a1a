"""The tool's estimate: exact for every pattern of missing cells, and a maximum."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from ddlib import merge as tables
from ddlib.dbn.estimators.accelerated import network_chart
from ddlib.dbn.likelihood.observed import expected_trajectories, observed_log_likelihood
from ddlib.dbn.model.moments import mle
from ddlib.dbn.model.network import joint
from ddlib.dbn.sources import Statistics
from ddlib.merge import expectation, patterns
from ddlib.merge.expectation import expect
from ddlib.merge.fit import fit, penalty, saturated
from tests.ddlib.dbn.world import difference
from tests.ddlib.merge.hospital_tables import groups_of, network, records


def each_alone(values, noise):
    """Statistics with every patient as a source of their own: the plain way, a factorisation each."""
    flat = values.flatten(1)
    seen = (~flat.isnan()).to(flat.dtype)
    size = torch.ones(1, len(flat), dtype=flat.dtype)
    mean = torch.where(flat.isnan(), 0.0, flat)
    nothing = torch.zeros(1, len(flat), flat.shape[1], flat.shape[1], dtype=flat.dtype)
    return Statistics(size, mean.unsqueeze(0), nothing, seen.unsqueeze(0), torch.full_like(seen, noise**2).unsqueeze(0))


def dropped_out(values):
    """The same records, without the last visit of every second patient and without the first of every fifth."""
    values = values.clone()
    values[::2, -1] = torch.nan
    values[1::5, 0] = torch.nan
    return values


@pytest.mark.parametrize("worth", [0.0, 1.5, 1e9])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_gaps_are_exact(noise, worth, monkeypatch):
    monkeypatch.setattr(patterns, "WORTH", worth)
    model = network()
    values = dropped_out(records(model, 40, 3, missing=0.2))
    groups = groups_of(values, noise=noise)
    assert sum(group.patients for group in groups) == 40
    law, likelihood = expect(model, groups, 3)
    plain = each_alone(values, noise)
    expected, _ = expected_trajectories(model, plain, 3)
    torch.testing.assert_close(law, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(likelihood.sum(), observed_log_likelihood(model, plain, 3).sum(), rtol=1e-11, atol=1e-9)


def test_small_chunks_and_batches_change_nothing(monkeypatch):
    model = network()
    values = records(model, 60, 3, missing=0.3)
    whole, likelihood = expect(model, groups_of(values), 3)
    monkeypatch.setattr(patterns, "CHUNK", 50)
    monkeypatch.setattr(expectation, "BATCH", 1)
    parts, again = expect(model, groups_of(values[:25], values[25:]), 3)
    torch.testing.assert_close(parts, whole, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(again.sum(), likelihood.sum())


def test_the_likelihood_is_scipys():
    model = network()
    values = records(model, 10, 3, missing=0.3)
    law = joint(model, 3)
    total = 0.0
    for row in values.flatten(1).numpy():
        seen = ~np.isnan(row)
        total += multivariate_normal(law.mean[0][seen], law.covariance[0][seen][:, seen]).logpdf(row[seen])
    assert math.isclose(float(expect(model, groups_of(values), 3)[1].sum()), total, rel_tol=1e-11)


def test_em_reaches_the_maximum_that_a_general_optimiser_finds():
    model = network(2)
    values = records(model, 40, 3, missing=0.15)
    groups = groups_of(values[:20], values[20:], noise=0.2)
    chart, ridge = network_chart(2), 1e-3
    free = torch.tensor([True, True, False, False, True, False, True, True, True, True, False, False, True, False] + [True] * 6)

    def objective(point):
        vector = torch.zeros(1, len(free), dtype=torch.float64)
        vector[0, free] = point
        at = chart.restore(vector)
        plain = each_alone(values, 0.2)
        return -(observed_log_likelihood(at, plain, 3).sum() / 40 - penalty(at, 3, ridge)[0])

    def slope(point):
        x = torch.tensor(point, requires_grad=True)
        value = objective(x)
        return value.item(), torch.autograd.grad(value, x)[0].numpy()

    found = fit(groups, 3, tolerance=1e-11, ridge=ridge)
    best = minimize(slope, np.zeros(int(free.sum())), jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 2000})
    mine = chart.flatten(found.model)[0]
    assert (mine[~free] == 0).all()
    assert abs(float(objective(mine[free])) - best.fun) < 1e-9
    assert np.abs(mine[free].numpy() - best.x).max() < 1e-4


def test_complete_clean_records_give_the_closed_form():
    values = records(network(), 50, 4)
    found = fit(groups_of(values[:20], values[20:]), 4, ridge=0.0)
    assert found.converged
    assert difference(found.model, mle(saturated(4), values.unsqueeze(0))) < 1e-9


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 0.5), st.floats(0.0, 0.5))
def test_the_objective_never_falls(seed, missing, noise):
    values = records(network(3, seed), 25, 3, missing, seed)
    path = fit(groups_of(values, noise=noise), 3, cycles=12).path
    assert (path.diff() > -1e-9 * path.abs()[1:]).all()


def test_more_columns_than_patients_leave_a_maximum():
    found = fit(groups_of(records(network(6), 4, 2)), 2)
    assert all(bool(part.isfinite().all()) for part in found.model)


def test_the_start_is_the_available_cases():
    values = records(network(), 50, 3, missing=0.3)
    start = joint(tables.fit.independent_start(groups_of(values), 3, 0.0), 3)
    torch.testing.assert_close(start.mean[0].view(3, 4)[0], values.flatten(0, 1).nanmean(0))
