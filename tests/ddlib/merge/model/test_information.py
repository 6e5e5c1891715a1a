import math

import pytest
import torch

from ddlib.merge.model.choice import groups_of
from ddlib.merge.model.fit import Fit, Variances, fit
from ddlib.merge.model.information import information, sampled_patterns
from ddlib.merge.model.law import Shape, law, means, moved, size
from tests.ddlib.merge.model.worlds import drawn, generator, parameters


def expected_information(at, shape, rows):
    """Minus the second derivative of the expected log-likelihood of the patients' patterns, by automatic differentiation."""
    centre, covariance = means(at, shape), law(at, shape)

    def expected(u):
        here = moved(at, u, shape)
        mean, inner = means(here, shape), law(here, shape)
        total = u.new_zeros(())
        for k, values in enumerate(rows.values):
            for row in values:
                seen = (~row.isnan()).nonzero().squeeze(-1)
                noise = torch.diag(rows.noise[k][seen])
                now = inner[seen][:, seen] + noise
                off = (mean - centre)[k][seen]
                true = covariance[seen][:, seen] + noise + torch.outer(off, off)
                total = total + 0.5 * (torch.logdet(now) + torch.linalg.solve(now, true).trace())
        return total

    return torch.autograd.functional.hessian(expected, torch.zeros(size(shape), dtype=torch.float64))


@pytest.mark.parametrize("shape", [Shape(2, 1, (1, 2), 2, level=True, visits=True, hospitals=True), Shape(2, 0, (), 2)])
def test_the_information_is_the_curvature_of_the_expected_likelihood(shape):
    at = parameters(shape)
    rows = drawn(at, shape, 8, 0.3, 0.2)
    groups = groups_of(rows)
    known = information(Fit(at, shape, Variances(1e12, 1e12), 0.0, torch.zeros(1), [], True), groups)
    found = known.vectors @ torch.diag(known.values) @ known.vectors.mT
    torch.testing.assert_close(found, expected_information(at, shape, rows), rtol=1e-6, atol=1e-6)


def test_draws_scatter_as_estimates_do():
    """Over repeated samples of patients, estimates of a variance and a mean scatter as the draws of any one of them."""
    shape = Shape(2, 0, (1,), 1)
    at = parameters(shape)
    estimates, spreads = [], []
    for seed in range(60):
        groups = groups_of(drawn(at, shape, 100, 0.2, seed=seed))
        found = fit(groups, shape, 0.02, tolerance=1e-4)
        estimates.append(torch.cat([means(found.at, shape)[0], law(found.at, shape).flatten()]))
        if seed < 5:
            draws = information(found, groups).draws(200, generator(seed))
            spreads.append(torch.stack([torch.cat([mean[0], covariance.flatten()]) for mean, covariance in draws]).std(0))
    ratio = torch.stack(spreads).mean(0) / torch.stack(estimates).std(0)
    assert float(ratio.min()) > 0.75 and float(ratio.max()) < 1.35


def test_what_nobody_measured_together_is_undetermined():
    shape = Shape(2, 0, (1,), 2)
    rows = drawn(parameters(shape), shape, 100, missing=0.0)
    for k, values in enumerate(rows.values):
        values[:, k::2] = math.nan  # each hospital lacks a column
    for groups, number in ((groups_of(rows), 4), (groups_of(drawn(parameters(shape), shape, 100)), 0)):  # 4: a covariance each
        assert information(fit(groups, shape, 0.01), groups).undetermined == number  # within and between the two visits


def test_sampled_patterns_stand_for_all_patients():
    shape = Shape(3, 0, (1, 1), 1)
    for group in groups_of(drawn(parameters(shape), shape, 200, 0.1)):
        for room in (1, 3, 500):
            patterns = sampled_patterns(group, room)
            assert sum(number for _, number in patterns) == pytest.approx(group.patients)
