"""From scores to latent values, against SciPy's bivariate normal probabilities and the sine formula."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from ddlib.merge.model.scores import heights
from ddlib.merge.model.unscored import unscored
from tests.ddlib.merge.model.worlds import generator

CUTS = [(0.3,), (-1.0, 0.5), (), (1.8,)]


def scored(mean: np.ndarray, correlation: np.ndarray, cuts: list) -> tuple[torch.Tensor, torch.Tensor]:
    """Means and covariance of the scores of normal values of variance one, by probabilities of rectangles."""
    names = range(len(mean))
    levels = [None if not own else (np.array([-9.0, *own, 9.0]), heights(own).numpy()) for own in cuts]

    def expectation(j: int, k: int) -> float:
        if levels[j] is None and levels[k] is None:
            return correlation[j, k] + mean[j] * mean[k]
        if levels[j] is None or levels[k] is None:
            number, category = (j, k) if levels[j] is None else (k, j)
            ends, height = levels[category]
            density, mass = norm.pdf(ends - mean[category]), norm.cdf(ends - mean[category])
            return float((height * (mean[number] * np.diff(mass) - correlation[j, k] * np.diff(density))).sum())
        law = multivariate_normal([mean[j], mean[k]], correlation[np.ix_([j, k], [j, k])], allow_singular=True)
        below = np.array([[law.cdf([a, b]) for b in levels[k][0]] for a in levels[j][0]])
        return float((np.outer(levels[j][1], levels[k][1]) * np.diff(np.diff(below, axis=0), axis=1)).sum())

    first, square = mean.copy(), np.ones(len(mean)) + mean**2
    for j in names:
        if levels[j] is not None:
            ends, height = levels[j]
            mass = np.diff(norm.cdf(ends - mean[j]))
            first[j], square[j] = (height * mass).sum(), (height**2 * mass).sum()
    second = np.array([[square[j] if j == k else expectation(j, k) for k in names] for j in names])
    return torch.from_numpy(first), torch.from_numpy(second - np.outer(first, first))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_the_latent_law_comes_back_from_the_moments_of_its_scores(seed):
    draw = np.random.default_rng(seed)
    factor = draw.normal(size=(4, 3))
    raw = factor @ factor.T + 0.3 * np.eye(4)
    correlation = raw / np.sqrt(np.outer(np.diag(raw), np.diag(raw)))
    mean = draw.normal(0, 0.4, size=4)
    first, second = scored(mean, correlation, CUTS)
    found = unscored(first, CUTS)
    np.testing.assert_allclose(found.means(first).numpy(), mean, atol=1e-6)
    np.testing.assert_allclose(found.covariance(second).numpy(), correlation, atol=5e-3)


@pytest.mark.parametrize("correlation", [-0.9, -0.3, 0.0, 0.5, 0.95])
def test_two_medians_have_the_sine_formula(correlation):
    seen = torch.tensor([[1.0, correlation], [correlation, 1.0]]).double()
    found = unscored(torch.zeros(2).double(), [(0.0,), (0.0,)]).covariance(seen)
    assert float(found[0, 1]) == pytest.approx(np.sin(np.pi * correlation / 2), abs=2e-3)


def test_what_no_normal_law_can_have_becomes_the_law_of_a_covariance():
    seen = torch.tensor([[1.0, 0.75, 0.75], [0.75, 1.0, 0.3], [0.75, 0.3, 1.0]]).double()  # biserial correlations of .94
    found = unscored(torch.zeros(3).double(), [(0.0,), (), ()]).covariance(seen)
    assert float(torch.linalg.eigvalsh(found)[0]) > 0
    torch.testing.assert_close(found.diagonal(), torch.ones(3).double())


def test_numbers_stay_as_they_are():
    root = torch.randn(3, 3, generator=generator(), dtype=torch.float64) + 2 * torch.eye(3)
    covariance, mean = root @ root.mT, torch.tensor([1.0, 2.0, 3.0]).double()
    found = unscored(mean, [(), (), ()])
    torch.testing.assert_close(found.covariance(covariance), covariance)
    torch.testing.assert_close(found.means(mean), mean)
