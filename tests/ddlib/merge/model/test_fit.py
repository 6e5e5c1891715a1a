import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from ddlib.merge.model.choice import groups_of
from ddlib.merge.model.fit import Variances, fit
from ddlib.merge.model.law import Shape, law, means, start
from tests.ddlib.merge.model.worlds import drawn, parameters


def independent(rows, steps, level, effects, ridge, omega, fixed):
    """The penalised maximum over one column (and a static one) by SciPy, written without any of the library."""
    visits, sources = len(steps) + 1, len(rows.values)
    patients = rows.patients
    data = [values.numpy() for values in rows.values]

    def law_of(theta):
        m, logp, c, f, logq, g = theta[:6]
        p, q = np.exp(2 * logp), np.exp(2 * logq)
        mean, var = [m], [p]
        cov = np.zeros((visits, visits))
        cov[0, 0] = p
        for t, count in enumerate(steps):
            last_mean, last_var, carry = mean[-1], var[-1], 1.0
            for _ in range(count):
                last_mean, last_var, carry = c + f * last_mean, f * f * last_var + q, carry * f
            mean.append(last_mean)
            var.append(last_var)
            cov[t + 1, : t + 1] = carry * cov[t, : t + 1]
            cov[: t + 1, t + 1] = cov[t + 1, : t + 1]
            cov[t + 1, t + 1] = last_var
        cov = cov + (g * g if level else 0.0)
        prior = 1 / p + (visits - 1) * (1 + f * f) / q + (g * g if level else 0.0)
        mean = np.array(mean)
        if fixed:
            nu, logs, cross = theta[6:9]
            s = np.exp(logs)
            whole = np.zeros((visits + 1, visits + 1))
            whole[:visits, :visits] = cov + cross**2
            whole[:visits, visits] = whole[visits, :visits] = cross * s
            whole[visits, visits] = s * s
            cov, mean = whole, np.append(mean, nu)
            prior += 1 / s**2 + cross**2
        return mean, cov, prior

    def objective(theta):
        mean, cov, prior = law_of(theta)
        shifts = theta[len(theta) - sources :] if effects else np.zeros(sources)
        total = 0.5 * ridge * patients * prior + (0.5 * (shifts**2).sum() / omega if effects else 0.0)
        for k, values in enumerate(data):
            centre = mean + shifts[k]
            for row in values:
                seen = np.flatnonzero(~np.isnan(row))
                inner = cov[np.ix_(seen, seen)] + np.diag(rows.noise[k].numpy()[seen])
                total -= multivariate_normal(centre[seen], inner).logpdf(row[seen])
        return total

    size = 6 + 3 * fixed + sources * effects
    begin = np.concatenate([[0, 0, 0, 0.3, -0.3, 0.5], [0, 0, 0.1][: 3 * fixed], np.zeros(sources * effects)])[:size]
    if not level:
        begin[5] = 0.0
    found = minimize(objective, begin, method="BFGS", options={"gtol": 1e-6})
    return found.fun, law_of(found.x)


@pytest.mark.parametrize(
    ("steps", "level", "effects", "fixed", "missing", "noise"),
    [
        ((1, 1), False, False, 0, 0.3, 0.0),
        ((2, 1), False, False, 0, 0.3, 0.3),
        ((1, 3, 1), True, False, 0, 0.2, 0.0),
        ((1, 2), False, True, 0, 0.2, 0.0),
    ],
)
def test_the_fit_is_the_maximum_that_an_independent_optimiser_finds(steps, level, effects, fixed, missing, noise):
    shape = Shape(1, fixed, steps, 2, level=level, hospitals=effects)
    rows = drawn(parameters(shape), shape, 25, missing, noise)
    ridge, omega = 2 / rows.patients, 0.3
    found = fit(groups_of(rows), shape, ridge, Variances(0.0, omega * effects), tolerance=1e-9)
    value, (mean, covariance, _) = independent(rows, steps, level, effects, ridge, omega, fixed)
    assert found.converged
    assert found.path[-1] == pytest.approx(value, abs=2e-5)
    torch.testing.assert_close(law(found.at, found.shape), torch.from_numpy(covariance), atol=2e-2, rtol=2e-2)
    if not effects:
        torch.testing.assert_close(means(found.at, found.shape)[0], torch.from_numpy(mean), atol=1e-2, rtol=1e-2)


def test_a_static_column_without_levels_is_fitted_too():
    shape = Shape(1, 1, (1, 1), 2)
    rows = drawn(parameters(shape), shape, 25)
    found = fit(groups_of(rows), shape, 2 / rows.patients, tolerance=1e-9)
    value, (_, covariance, _) = independent(rows, (1, 1), False, False, 2 / rows.patients, 1.0, 1)
    assert found.path[-1] == pytest.approx(value, abs=2e-5)
    torch.testing.assert_close(law(found.at, found.shape), torch.from_numpy(covariance), atol=2e-2, rtol=2e-2)


def test_the_objective_never_rises_and_a_second_fit_gains_nothing():
    shape = Shape(3, 1, (1, 1, 2), 3, level=True)
    groups = groups_of(drawn(parameters(shape), shape, 60))
    once = fit(groups, shape, 0.01, Variances(0.1, 0.1), tolerance=1e-5)
    assert all(later <= earlier for earlier, later in zip(once.path, once.path[1:], strict=False))
    again = fit(groups, shape, 0.01, Variances(0.1, 0.1), begin=once.at, tolerance=1e-5)
    assert once.path[-1] - again.path[-1] < 1e-3


def test_one_visit_is_a_plain_normal_law():
    shape = Shape(3, 0, (), 2)
    rows = drawn(parameters(shape), shape, 200, missing=0.0)
    found = fit(groups_of(rows), shape, 1e-9, tolerance=1e-9)
    everything = torch.cat(rows.values)
    torch.testing.assert_close(means(found.at, found.shape)[0], everything.mean(0), atol=1e-4, rtol=0)
    torch.testing.assert_close(law(found.at, found.shape), torch.cov(everything.mT, correction=0), atol=1e-4, rtol=0)


@pytest.mark.parametrize("level", [True, False])
def test_where_visits_are_many_steps_apart_memory_is_found_from_the_start(level):
    """A memory of .93 a step over gaps of 4 to 13; begun at .3 a step, which nobody sees, the search stayed there."""
    shape = Shape(variables=2, fixed=0, steps=(4, 6, 4, 13, 5), sources=1, level=level)
    truth = start(torch.zeros(2).double(), torch.ones(2).double(), shape)
    memory = 0.93
    truth = truth._replace(
        intercept=torch.zeros(2).double(),
        step=memory * torch.eye(2).double(),
        root=truth.first_root * (1 - memory**2) ** 0.5,
    )
    groups = groups_of(drawn(truth, shape, 200, missing=0.3))
    found = fit(groups, shape, 2 / 200)
    assert found.path[-1] < fit(groups, shape, 2 / 200, begin=truth).path[-1] + 0.1
