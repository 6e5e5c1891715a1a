"""The prior weighs on what is known as intervals no more than on numbers."""

import torch
from scipy.special import ndtri

from ddlib.merge.model.choice import Rows, choose
from ddlib.merge.model.law import Shape, start
from ddlib.merge.model.prior import Scale, penalty
from tests.ddlib.merge.model.worlds import generator

SHAPE = Shape(variables=2, fixed=0, steps=(1, 1, 1), sources=1)


def correlations(share: float, seed: int) -> tuple[float, float]:
    """A merge's correlation of a column with two values and a number, and of the former at successive visits; both are .8."""
    draw = generator(seed)
    root = torch.linalg.cholesky(torch.tensor([[1.0, 0.8], [0.8, 1.0]]).double())
    path = [torch.randn(150, 2, generator=draw, dtype=torch.float64) @ root.mT]
    for _ in SHAPE.steps:
        path.append(0.8 * path[-1] + 0.6 * torch.randn(150, 2, generator=draw, dtype=torch.float64) @ root.mT)
    latent = torch.cat(path, dim=1)
    cut = float(ndtri(1 - share))
    category = torch.arange(8) % 2 == 0
    lower = torch.where(category, torch.where(latent > cut, cut, -torch.inf), latent)
    upper = torch.where(category, torch.where(latent > cut, torch.inf, cut), latent)
    values = torch.where(category, torch.nan, latent)
    visit = torch.arange(4).repeat_interleave(2)
    rows = Rows([values], torch.zeros(1, 8).double(), visit, [(lower, upper)], ((cut,), ()) * 4)
    found = choose(rows, SHAPE, 2.0, 0.1, 500, lambda *_: None)
    assert found.latent is None
    covariance = found.fit.patient()[1]
    scale = covariance.diagonal().rsqrt()
    whole = covariance * torch.outer(scale, scale)
    return float(whole[2, 3]), float(whole[2, 4])


def test_two_values_keep_their_correlations_with_others_and_with_themselves():
    for share, off in ((0.5, 0.05), (0.15, 0.07)):
        found = torch.tensor([correlations(share, seed) for seed in range(5)])
        assert bool(((found.mean(0) - 0.8).abs() < off).all()), (share, found.mean(0))


def test_numbers_are_weighed_as_before_and_a_certain_category_costs_little():
    at = start(torch.zeros(2).double(), torch.tensor([0.01, 1.0]).double(), Shape(2, 0, (), 1))
    shape = Shape(2, 0, (), 1)
    exact = Scale(torch.ones(2).double(), torch.ones(2).double(), torch.zeros(2).double())
    torch.testing.assert_close(penalty(at, shape, 1.0, exact), penalty(at, shape, 1.0))
    category = exact._replace(error=torch.tensor([0.5, 0.0]).double())
    assert float(penalty(at, shape, 1.0, category)) < 0.1 * float(penalty(at, shape, 1.0))
