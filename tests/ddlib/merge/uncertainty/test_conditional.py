"""Draws and expectations of missing entries against the formulas, one patient at a time."""

import pytest
import torch

from ddlib.dbn.model.network import Gaussian
from ddlib.merge import conditional
from ddlib.merge.conditional import drawn_patients, expectation, solved, unexplained
from ddlib.merge.streams import Streams

SIZE = 5


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def law():
    root = torch.randn(SIZE, SIZE, dtype=torch.float64, generator=generator())
    return Gaussian(torch.arange(SIZE, dtype=torch.float64), root @ root.mT + torch.eye(SIZE, dtype=torch.float64))


@pytest.fixture
def noise():
    return torch.tensor([0.0, 0.3, 0.0, 0.5, 0.2], dtype=torch.float64)


@pytest.fixture
def values():
    """Forty patients with many patterns, one without a measurement, one with all."""
    found = 2 * torch.randn(40, SIZE, dtype=torch.float64, generator=generator(1))
    found[torch.rand(40, SIZE, generator=generator(2)) < 0.4] = torch.nan
    found[0], found[1] = torch.nan, 1.0
    return found


def formula(row, law, noise):
    """Mean and covariance of a patient's true entries given the measured ones."""
    seen = ~row.isnan()
    gain = law.covariance[:, seen] @ torch.linalg.inv(law.covariance[seen][:, seen] + torch.diag(noise[seen]))
    return law.mean + gain @ (row - law.mean)[seen], law.covariance - gain @ law.covariance[seen]


def test_expectation_and_variance_are_the_formula_s(values, law, noise):
    mean, variance = expectation(values, law, noise), unexplained(~values.isnan(), law, noise)
    for row, found, spread in zip(values, mean, variance, strict=True):
        centre, covariance = formula(row, law, noise)
        assert torch.allclose(found, centre) and torch.allclose(spread, covariance.diagonal(), atol=1e-12)


def test_chunks_change_nothing(values, law, noise, monkeypatch):
    seen, right = ~values.isnan(), torch.randn(values.shape, dtype=torch.float64, generator=generator(3))
    whole = solved(right, seen, law.covariance, noise)
    monkeypatch.setattr(conditional, "_CHUNK", 3 * SIZE**2)
    assert torch.allclose(solved(right, seen, law.covariance, noise), whole)
    assert not whole[~seen].any()


def test_draws_have_the_conditional_law_and_keep_what_was_measured(values, law, noise):
    for row in values[:6]:
        many = drawn_patients(row.repeat(40_000, 1), law, noise, Streams.of(range(40_000), 4))
        seen = ~row.isnan()
        assert torch.equal(many[:, seen], row[seen].repeat(len(many), 1))
        centre, covariance = formula(row, law, noise)
        covariance = (covariance + torch.diag(noise))[~seen][:, ~seen]
        scale = covariance.diagonal().sqrt()
        drawn = (many[:, ~seen] - centre[~seen]) / scale
        assert torch.allclose(drawn.mean(0), torch.zeros_like(scale), atol=0.03)
        assert torch.allclose(drawn.mT @ drawn / len(drawn), covariance / torch.outer(scale, scale), atol=0.04)
