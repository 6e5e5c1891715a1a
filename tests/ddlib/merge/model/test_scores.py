import math

import pytest
import torch

from ddlib.merge.model.choice import Rows, choose
from ddlib.merge.model.law import Shape, law
from ddlib.merge.model.scores import scores


def thirds(values):
    """The third of a standard normal law that each value is in, as its ends."""
    cut = 0.43072729929545744
    edges = torch.tensor([-math.inf, -cut, cut, math.inf], dtype=torch.float64)
    place = torch.bucketize(values, edges[1:-1])
    return edges[place], edges[place + 1]


def test_scores_of_normal_values_have_mean_zero_and_variance_one():
    values = torch.randn(20000, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mean, root = scores(*thirds(values), torch.ones(20000, 1, dtype=torch.bool))
    assert float((mean / root).mean()) == pytest.approx(0, abs=0.03)
    assert float((mean / root).std()) == pytest.approx(1, abs=0.03)


def test_too_many_categories_are_scored_with_correlations_a_little_too_small():
    draw = torch.Generator().manual_seed(1)
    level = torch.randn(600, 1, generator=draw, dtype=torch.float64)
    latent = 0.8**0.5 * level + 0.2**0.5 * torch.randn(600, 12, generator=draw, dtype=torch.float64)
    limits = [thirds(part) for part in latent.split(300)]
    rows = Rows(
        [torch.full_like(part, torch.nan) for part in latent.split(300)], torch.zeros(2, 12).double(), torch.zeros(12), limits
    )
    found = choose(rows._replace(visit=torch.zeros(12, dtype=torch.long)), Shape(12, 0, (), 2), 2.0, 0.1, 500, lambda *_: None)
    covariance = law(found.fit.at, found.fit.shape)
    spread = covariance.diagonal().sqrt()
    correlations = (covariance / torch.outer(spread, spread))[~torch.eye(12, dtype=torch.bool)]
    assert found.scored and 0.6 < float(correlations.mean()) < 0.8
