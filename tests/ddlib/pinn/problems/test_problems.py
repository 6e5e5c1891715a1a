"""The problems against their own statements: exact solutions, SciPy's solver, the laws and their tails."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from ddlib.pinn import PROBLEMS, Burgers, Law, Poisson, Wave, solve, tensor_grid
from ddlib.pinn.learners.jets import autograd_jet

ALL = list(PROBLEMS.values())
ODES = [problem for problem in ALL if not problem.timed]
named = pytest.mark.parametrize("problem", ALL, ids=lambda problem: problem.name)


def grids(problem, positions=21):
    """The whole of the law, its far tails included."""
    for tail in ("lower", "upper", "both"):
        for mass in (0.05, 0.3):
            yield tensor_grid(problem, 7, 9 if problem.timed else positions, tail, mass)


@named
def test_the_exact_solution_satisfies_the_equation(problem):
    for units in grids(problem):
        with torch.no_grad():
            jet = autograd_jet(problem.exact_at, units, problem.timed)
        assert problem.residual_at(jet, units).abs().max() < 1e-12


@named
def test_the_exact_solution_has_the_boundary_values(problem):
    for tail in ("lower", "upper"):
        edge = problem.boundary(problem.law.grid(tail, 0.3, 5))
        assert (problem.exact_at(edge.x) - edge.y).abs().max() < 1e-14
        assert edge.x.shape == (edge.budget, problem.dimension)


@pytest.mark.parametrize("problem", ODES, ids=lambda problem: problem.name)
def test_the_classical_solver_finds_the_exact_solution(problem):
    alpha = torch.cat([problem.law.grid(tail, 0.05, 3) for tail in ("lower", "upper")])
    x = torch.linspace(*problem.box[0], 41, dtype=torch.float64)
    assert (solve(problem, alpha, x) - problem.exact(x.unsqueeze(-1), alpha.unsqueeze(-1))).abs().max() < 1e-8


def test_the_solver_refuses_time():
    with pytest.raises(ValueError, match="has time"):
        solve(Wave(), torch.ones(1), torch.zeros(1))


def test_a_boundary_has_batch_axes_and_sides():
    alpha = torch.tensor([[0.1, 0.2, 0.3], [1.0, 2.0, 3.0]], dtype=torch.float64)
    edge = Poisson().boundary(alpha)
    assert edge.x.shape == (2, 6, 2)
    assert torch.equal(edge.x[1, :, 1], torch.tensor([1.0, 1, 2, 2, 3, 3], dtype=torch.float64))
    assert torch.equal(edge.y, edge.x[..., 1])
    wave = Wave().boundary(alpha, 5)
    assert wave.x.shape == (2, 45, 3)
    assert bool(((wave.x[..., 0] == 0) | (wave.x[..., 0] == 1) | (wave.x[..., 1] == 0)).all())


def test_a_unit_has_as_many_columns_as_the_problem():
    with pytest.raises(ValueError, match=r"\(x, α\)"):
        Poisson().split(torch.zeros(3, 3))
    with pytest.raises(ValueError, match="timed"):
        Wave().residual(autograd_jet(lambda z: z.square().sum(-1), torch.zeros(2, 3)), torch.zeros(2, 2), torch.zeros(2))


def test_the_boundary_layer_needs_a_positive_value():
    alpha = torch.tensor([-0.1, 0.0, 1e-8, 1e-3, 5.0], dtype=torch.float64)
    speed = Burgers().speed(alpha)
    assert bool(speed[:2].isnan().all())
    assert torch.allclose(speed[2:] * torch.tanh(speed[2:] / 0.3), alpha[2:], rtol=1e-14)


@settings(max_examples=25, deadline=None)
@given(st.floats(-2, 2), st.floats(0.1, 3), st.floats(0.02, 0.5))
def test_tails_are_those_of_scipy(mean, sd, mass):
    for law, oracle in (
        (Law(mean, sd), stats.norm(mean, sd)),
        (Law(mean, sd, mean - sd, mean + 2 * sd), stats.truncnorm(-1, 2, mean, sd)),
    ):
        low, high = law.interval("lower", mass)
        assert high == pytest.approx(oracle.ppf(mass), abs=1e-8)
        assert law.interval("upper", mass)[0] == pytest.approx(oracle.ppf(1 - mass), abs=1e-8)
        assert low < high
        upper = integrate.quad(lambda p, oracle=oracle: oracle.ppf(p), 1 - mass, 1)[0] / mass
        assert law.tail_mean("upper", mass) == pytest.approx(upper, abs=1e-5)
        assert law.severity(mass) == pytest.approx((upper - law.tail_mean("lower", mass)) / sd, abs=1e-4)


def test_draws_stay_in_their_tail():
    law, g = Law(0.4, 0.15, 0.0, 1.0), torch.Generator().manual_seed(0)
    for tail in ("lower", "upper", "both"):
        low, high = law.interval(tail, 0.3)
        for draws in (law.draw(tail, 0.3, (2000,), g), law.stratified(tail, 0.3, (2, 50), g), law.grid(tail, 0.3, 9)):
            assert bool(((draws > low) & (draws < high)).all())
    assert law.draw("upper", 0.3, (100_000,), g).mean() == pytest.approx(law.tail_mean("upper", 0.3), abs=2e-3)
    assert law.severity(0.3, "both", "both") == 0


@pytest.mark.parametrize("bad", [dict(tail="left"), dict(mass=0.0), dict(mass=1.5)])
def test_unknown_tails_are_refused(bad):
    with pytest.raises(ValueError, match="tail"):
        Law().interval(**{"tail": "lower", "mass": 0.3, **bad})


@pytest.mark.parametrize("bad", [dict(sd=0.0), dict(mean=math.nan), dict(low=2.0, high=1.0)])
def test_impossible_laws_are_refused(bad):
    with pytest.raises(ValueError, match="a law needs"):
        Law(**bad)
