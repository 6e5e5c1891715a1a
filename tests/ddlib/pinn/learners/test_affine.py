"""Boundary values that enter affinely (T12): the closed-form variance against simulation, and the fit."""

import numpy as np
import pytest
import torch
from scipy import stats

from ddlib.pinn import PROBLEMS, AffineRidge, Conduction, Poisson, Screened, affine_variance, draw_data, tensor_grid
from ddlib.pinn.learners.affine import affine_line
from ddlib.problem import Distilled
from tests.ddlib.worlds import generator


@pytest.mark.parametrize("problem", [Poisson(), Screened()], ids=lambda problem: problem.name)
def test_the_variance_out_of_distribution_is_the_closed_form(problem):
    sigma, draws, x = 0.1, 40_000, torch.full((1, 1), 0.6, dtype=torch.float64)
    alpha, target = problem.law.grid("lower", 0.3, 8), problem.law.grid("upper", 0.3, 4)
    noise = sigma * torch.randn(draws, 8, generator=generator(), dtype=torch.float64)
    read = affine_line(alpha, problem.exact(x, alpha) + noise, target)
    expected = affine_variance(alpha, target, sigma)
    assert torch.allclose(read.mean(0), problem.exact(x, target), atol=5 * float(expected.max().sqrt()) / draws**0.5)
    assert torch.allclose(read.var(0), expected, rtol=5 * (2 / draws) ** 0.5)


def test_the_line_and_its_variance_are_those_of_scipy():
    rng = np.random.default_rng(0)
    alpha, y = rng.normal(size=9), rng.normal(size=9)
    fit = stats.linregress(alpha, y)
    target = torch.tensor([0.0, 2.0], dtype=torch.float64)
    line = affine_line(torch.from_numpy(alpha), torch.from_numpy(y), target)
    assert np.allclose(line, fit.intercept + fit.slope * target.numpy())
    sigma = np.sqrt(((y - fit.intercept - fit.slope * alpha) ** 2).sum() / 7)
    at_zero = affine_variance(torch.from_numpy(alpha), target[:1], sigma)
    assert at_zero.sqrt().item() == pytest.approx(fit.intercept_stderr)


def test_two_values_of_alpha_determine_an_affine_solution():
    for problem in PROBLEMS.values():
        if problem.timed:
            continue
        units = tensor_grid(problem, 2, 25, "lower", spacing="chebyshev")
        learner = AffineRidge(problem, 14, 1e-12)
        data = Distilled(*(part.unsqueeze(0) for part in problem.rows(*problem.split(units))))
        grid = tensor_grid(problem, 9, 33)
        error = (learner.predict(learner.fit(data), grid) - problem.exact_at(grid)).norm() / problem.exact_at(grid).norm()
        assert (error < 1e-5) == problem.affine


def test_the_ridge_is_a_learner_of_every_problem():
    for problem in PROBLEMS.values():
        data = draw_data(problem, 2, generator())
        learner = AffineRidge(problem, 4)
        model = learner.fit(data.train)
        assert learner.features(data.train.x).shape[-1] == 2 * 5 ** len(problem.box)
        inside = (learner.predict(model, data.inside.x) - data.inside.y).norm(dim=-1) / data.inside.y.norm(dim=-1)
        assert bool((inside < 0.25).all())


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="two different values"):
        affine_variance(torch.ones(3), torch.zeros(1), 1.0)
    with pytest.raises(ValueError, match="degree"):
        AffineRidge(Conduction(), -1)
    with pytest.raises(ValueError, match="penalty"):
        AffineRidge(Conduction(), penalty=0.0)
