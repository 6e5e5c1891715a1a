import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from ddlib.merge.model.choice import groups_of
from ddlib.merge.model.law import Shape, law, means
from ddlib.merge.model.likelihood import log_likelihood
from ddlib.merge.model.patterns import group_patients
from ddlib.merge.model.single_patients import is_single
from tests.ddlib.merge.model.worlds import STEPS, drawn, parameters


def by_scipy(centre, covariance, rows):
    """Each patient's density by SciPy, one at a time."""
    total = 0.0
    for k, values in enumerate(rows.values):
        for row in values.numpy():
            seen = np.flatnonzero(~np.isnan(row))
            inner = covariance[np.ix_(seen, seen)] + np.diag(rows.noise[k].numpy()[seen])
            total += multivariate_normal(centre[k][seen], inner, allow_singular=False).logpdf(row[seen])
    return total


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), missing=st.sampled_from([0.0, 0.05, 0.4, 0.9]), noise=st.sampled_from([0.0, 0.5]))
def test_the_likelihood_is_scipy_s_for_any_pattern(seed, missing, noise):
    shape = Shape(2, 1, STEPS, 2, level=True, visits=True, hospitals=True)
    at = parameters(shape, seed)
    rows = drawn(at, shape, 15, missing, noise, seed)
    centre, covariance = means(at, shape), law(at, shape)
    found = log_likelihood(centre, covariance, groups_of(rows)).sum()
    assert float(found) == pytest.approx(by_scipy(centre.numpy(), covariance.numpy(), rows), rel=1e-10)


@pytest.mark.parametrize("patients", [1, 12])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_gradient_is_the_derivative(missing, patients):
    shape = Shape(2, 1, (1, 1), 2)
    at = parameters(shape)
    groups = groups_of(drawn(at, shape, patients, missing, 0.3))
    centre, covariance = (part.clone().requires_grad_() for part in (means(at, shape), law(at, shape)))
    direction = torch.randn(centre.shape, dtype=torch.float64), torch.randn(covariance.shape, dtype=torch.float64)
    direction = direction[0], direction[1] + direction[1].mT
    value = log_likelihood(centre, covariance, groups).sum()
    gradients = torch.autograd.grad(value, (centre, covariance))
    along = sum(float((gradient * part).sum()) for gradient, part in zip(gradients, direction, strict=True))
    step = 1e-6
    with torch.no_grad():
        ahead, behind = (
            float(log_likelihood(centre + sign * step * direction[0], covariance + sign * step * direction[1], groups).sum())
            for sign in (1, -1)
        )
    assert along == pytest.approx((ahead - behind) / (2 * step), rel=1e-6)


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.9])
def test_patients_one_by_one_are_the_same_patients(missing):
    """A patient whose pattern nobody shares is computed in another way, with others padded to the same size."""
    shape = Shape(2, 1, STEPS, 2, level=True, visits=True, hospitals=True)
    at = parameters(shape)
    rows = drawn(at, shape, 15, missing, 0.3)
    centre, covariance = (part.clone().requires_grad_() for part in (means(at, shape), law(at, shape)))
    alone = [
        group
        for k, values in enumerate(rows.values)
        for row in values
        for group in group_patients(row.unsqueeze(0), rows.noise[k], rows.visit, k)
    ]
    assert len(alone) == rows.patients and all(map(is_single, alone))
    each = log_likelihood(centre, covariance, alone)
    one_by_one = torch.stack([log_likelihood(centre, covariance, [group])[0] for group in alone])
    torch.testing.assert_close(each, one_by_one, rtol=1e-12, atol=1e-12)
    together = log_likelihood(centre, covariance, groups_of(rows)).sum()
    assert float(each.sum().detach()) == pytest.approx(
        by_scipy(*(x.detach().numpy() for x in (centre, covariance)), rows), rel=1e-12
    )
    for found, wanted in zip(*(torch.autograd.grad(value, (centre, covariance)) for value in (each.sum(), together)), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


def test_a_law_without_density_is_refused():
    shape = Shape(2, 0, (1,), 1)
    groups = groups_of(drawn(parameters(shape), shape, 5))
    with pytest.raises(ValueError, match="singular"):
        log_likelihood(torch.zeros(1, 4, dtype=torch.float64), torch.zeros(4, 4, dtype=torch.float64), groups)
