import math

import pytest
import torch

from ddlib.merge.model.choice import Rows, choose
from ddlib.merge.model.law import Shape
from ddlib.merge.model.scores import heights, scores
from tests.ddlib.merge.model.worlds import generator

CUT = 0.43072729929545744
"""The thirds of a standard normal law end at ± this."""


def thirds(values):
    """The third of a standard normal law that each value is in, as its ends."""
    edges = torch.tensor([-math.inf, -CUT, CUT, math.inf], dtype=torch.float64)
    place = torch.bucketize(values, edges[1:-1])
    return edges[place], edges[place + 1]


def test_scores_of_normal_values_have_mean_zero_and_variance_one():
    values = torch.randn(20000, 1, generator=generator(), dtype=torch.float64)
    found = scores(*thirds(values), torch.ones(20000, 1, dtype=torch.bool), [(-CUT, CUT)])
    assert float(found.mean()) == pytest.approx(0, abs=0.03)
    assert float(found.std()) == pytest.approx(1, abs=0.03)


def test_scores_are_the_heights_of_the_categories_also_where_one_of_them_does_not_occur():
    values = torch.tensor([[-1.0], [0.0]]).double()
    found = scores(*thirds(values), torch.ones(2, 1, dtype=torch.bool), [(-CUT, CUT)])
    torch.testing.assert_close(found[:, 0], heights([-CUT, CUT])[:2])


def test_too_many_categories_are_scored_and_have_the_correlations_of_what_is_behind_them():
    draw = generator(1)
    level = torch.randn(600, 1, generator=draw, dtype=torch.float64)
    latent = 0.8**0.5 * level + 0.2**0.5 * torch.randn(600, 12, generator=draw, dtype=torch.float64)
    latent[:, :6] += 0.5
    limits = [thirds(part) for part in latent.split(300)]
    missing = [torch.full_like(part, torch.nan) for part in latent.split(300)]
    cuts = ((-CUT, CUT),) * 12
    rows = Rows(missing, torch.zeros(2, 12).double(), torch.zeros(12, dtype=torch.long), limits, cuts)
    found = choose(rows, Shape(12, 0, (), 2), 2.0, 0.1, 500, lambda *_: None)
    assert found.latent is not None
    centre, covariance = found.law(*found.fit.patient())
    correlations = covariance[~torch.eye(12, dtype=torch.bool)]
    assert float(correlations.mean()) == pytest.approx(0.8, abs=0.03)
    assert float((correlations - 0.8).square().mean().sqrt()) < 0.05
    torch.testing.assert_close(centre.mean(0), latent.mean(0), atol=0.1, rtol=0)
