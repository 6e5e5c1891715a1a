import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from ddlib.merge.model.choice import choose, groups_of
from ddlib.merge.model.effects import evidence, variances
from ddlib.merge.model.fit import Variances, fit
from ddlib.merge.model.law import Shape, law
from tests.ddlib.merge.model.worlds import drawn, generator, parameters


def quiet(text, share):
    pass


def test_the_marginal_likelihood_is_the_dense_one():
    """All patients of all hospitals as one normal vector, the flat coefficients with a very wide prior."""
    shape = Shape(1, 0, (1,), 2, visits=True, hospitals=True)
    rows = drawn(parameters(shape), shape, 6)
    groups = groups_of(rows)
    found = fit(groups, shape, 0.1, Variances(0.2, 0.2), tolerance=1e-8)
    known = evidence(found, groups)
    covariance = law(found.at, found.shape).numpy()
    step = float(found.at.step)
    flat = np.array([[1.0, 0.0], [step, 1.0]])  # what the first mean and the intercept do to the two visits

    def dense(kappa, omega):
        rest, blocks, designs = [], [], []
        for k, values in enumerate(rows.values):
            for row in values.numpy():
                seen = np.flatnonzero(~np.isnan(row))
                rest.append(row[seen])
                blocks.append(covariance[np.ix_(seen, seen)])
                own = np.zeros((2, 2))
                own[:, k] = 1
                designs.append(np.concatenate([1e4 * flat, kappa**0.5 * np.eye(2), omega**0.5 * own], axis=1)[seen])
        y, design = np.concatenate(rest), np.concatenate(designs)
        whole = design @ design.T
        at = 0
        for block in blocks:
            whole[at : at + len(block), at : at + len(block)] += block
            at += len(block)
        return multivariate_normal(np.zeros(len(y)), whole).logpdf(y)

    base = dense(0.0, 0.0) - known.marginal(Variances())
    for kappa, omega in ((0.3, 0.0), (0.0, 0.3), (0.05, 1.0)):
        assert dense(kappa, omega) - known.marginal(Variances(kappa, omega)) == pytest.approx(base, abs=1e-3)


@pytest.mark.parametrize(("visits", "hospitals"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.4, 0.4)])
def test_the_effects_that_are_there_are_found_and_no_others(visits, hospitals):
    right = 0
    for seed in range(10):
        shape = Shape(4, 0, (1, 1, 1), 3, visits=True, hospitals=True)
        at = parameters(shape, seed)
        draw = generator(seed)
        at = at._replace(
            visits=visits * torch.randn(at.visits.shape, generator=draw, dtype=torch.float64),
            hospitals=hospitals * torch.randn(at.hospitals.shape, generator=draw, dtype=torch.float64),
        )
        groups = groups_of(drawn(at, shape, 80, 0.05, seed=seed))
        sizes = variances(evidence(fit(groups, shape, 0.01, Variances(0.25, 0.25), tolerance=0.1), groups))
        right += [size > 0 for size in sizes] == [visits > 0, hospitals > 0]
    assert right >= 9


@pytest.mark.parametrize("level", [False, True])
def test_levels_are_taken_where_patients_have_them(level):
    right = 0
    for seed in range(6):
        shape = Shape(3, 0, (1, 1, 1), 2, level=level)
        rows = drawn(parameters(shape, seed), shape, 100, 0.1, seed=seed)
        right += choose(rows, shape, 2.0, 1e-2, 1000, quiet).fit.shape.level == level
    assert right >= 5


def test_two_visits_or_few_patients_have_no_levels():
    for shape, patients in ((Shape(2, 0, (1,), 2), 50), (Shape(2, 0, (1, 1), 2), 4)):
        chosen = choose(drawn(parameters(shape), shape, patients), shape, 2.0, 1e-2, 1000, quiet)
        assert not chosen.fit.shape.level
        assert np.isnan(chosen.held_out)
