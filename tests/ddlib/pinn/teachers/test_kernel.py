"""Kernel derivatives, collocation, and labels that kernels learn physics from."""

import numpy as np
import pytest
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF as OracleRBF

from ddlib.learners import KernelRidge
from ddlib.pinn import (
    ARD,
    Burgers,
    Conduction,
    Functionals,
    Poisson,
    Screened,
    Wave,
    autograd_jet,
    collocate,
    physics,
    scatter,
    tensor_grid,
)
from ddlib.pinn.teachers.kernel import KernelCollocation, join, linearise, values_of
from ddlib.pinn.teachers.labels import predictor, solve_labels, solve_nonlinear
from ddlib.problem import Distilled
from tests.ddlib.worlds import generator


def kernel_of(problem):
    return ARD((0.6, 0.8, 1.1)) if problem.timed else ARD((0.5, 1.5))


@pytest.mark.parametrize("problem", [Poisson(), Wave()], ids=lambda problem: problem.name)
def test_functionals_of_the_kernel_are_derivatives(problem):
    kernel = kernel_of(problem)
    a, b = scatter(problem, 5, 2, generator(1)), scatter(problem, 4, 2, generator(2))
    of_a, of_b = (torch.randn(*units.shape[:2], 4, generator=generator(3), dtype=torch.float64) for units in (a, b))
    if not problem.timed:
        of_a[..., 3] = of_b[..., 3] = 0

    def applied(function, units, of):
        j = autograd_jet(function, units, problem.timed)
        parts = [part if part is not None else torch.zeros_like(j.u) for part in j]
        return sum(of[..., i] * part for i, part in enumerate(parts))

    for row in range(4):
        here = b[:, row : row + 1]
        left = applied(lambda z, here=here: kernel(z, here).squeeze(-1), a, of_a)
        assert torch.allclose(kernel.between(a, b, of_a)[..., row], left, rtol=1e-10, atol=1e-10)
        both = applied(lambda z: kernel.between(a, z, of_a)[:, 1], here.expand(-1, 1, -1), of_b[:, row : row + 1])
        assert torch.allclose(kernel.between(a, b, of_a, of_b)[:, 1, row], both.squeeze(-1), rtol=1e-9, atol=1e-9)


def test_without_physics_it_is_a_gaussian_process():
    problem = Screened()
    data = problem.rows(*problem.split(scatter(problem, 12, 1, generator())))
    units = scatter(problem, 7, 1, generator(5))
    ours = KernelCollocation(problem, ARD((0.4, 1.3)), penalty=1e-3)
    oracle = GaussianProcessRegressor(OracleRBF([0.4, 1.3]), alpha=1e-3, optimizer=None).fit(data.x[0].numpy(), data.y[0].numpy())
    assert np.allclose(ours.predict(ours.fit(data), units)[0], oracle.predict(units[0].numpy()), atol=1e-9)


@pytest.mark.parametrize("problem", [Poisson(), Screened(), Conduction(), Burgers()], ids=lambda problem: problem.name)
def test_collocation_solves_the_problem(problem):
    asked = physics(problem, 3, 1, generator(), interior=80, alphas=16)
    data = problem.rows(*problem.split(scatter(problem, 4, 1, generator(1), "lower")))
    learner = KernelCollocation(problem, ARD((0.5, 2 * problem.law.sd)), asked, penalty=1e-11)
    units = tensor_grid(problem, 20, 11).unsqueeze(0)
    found, exact = learner.predict(learner.fit(data), units), problem.exact_at(units)
    assert (found - exact).norm() < 2e-3 * exact.norm()


@pytest.mark.parametrize("problem", [Poisson(), Conduction()], ids=lambda problem: problem.name)
def test_a_linearised_equation_touches_the_equation(problem):
    units = scatter(problem, 6, 2, generator())
    jet = autograd_jet(lambda z: problem.exact_at(z) + 0.1 * (z[..., 0] + z[..., 1]) ** 3, units)
    tangent = linearise(problem, units, jet)
    state = torch.stack([jet.u, jet.u_x, jet.u_xx, torch.zeros_like(jet.u)], -1).detach()
    miss = (tangent.coefficients * state).sum(-1) - tangent.values
    assert torch.allclose(miss, problem.residual_at(jet, units).detach(), atol=1e-12)
    if problem.name == "Poisson":
        assert torch.allclose(tangent.values, linearise(problem, units).values, atol=1e-12)


def test_labels_in_the_linear_case_are_the_collocation_solution():
    """Trial functions k(·, x) at the set's points, conditions met by least squares: NumPy solves for their coefficients."""
    problem, kernel, penalty = Screened(), ARD((0.5, 2.0)), 1e-5
    points = scatter(problem, 8, 1, generator())
    asked = physics(problem, 3, 1, generator(1), interior=20, alphas=5)
    conditions = join(values_of(asked.boundary, 3.0), linearise(problem, asked.interior))
    solved = solve_labels([kernel], points, conditions, penalty)
    root = conditions.weights.sqrt()
    trial = root.unsqueeze(-1) * kernel.between(conditions.points, points, conditions.coefficients)
    beta, *_ = np.linalg.lstsq(trial[0].numpy(), (root * conditions.values)[0].numpy(), rcond=None)
    units = scatter(problem, 50, 1, generator(2))
    collocation = kernel(units, points)[0].numpy() @ beta
    learned = KernelRidge(kernel, penalty)
    model = learned.fit(Distilled(points, solved.y, torch.ones_like(solved.y)))
    assert np.abs(learned.predict(model, units)[0].numpy() - collocation).max() < 1e-8
    miss = trial[0].numpy() @ beta - (root * conditions.values)[0].numpy()
    assert solved.loss.item() == pytest.approx((miss**2).sum() / conditions.weights.sum().item(), rel=1e-7)


def test_labels_at_the_conditions_own_functionals_are_symmetric_collocation():
    """With values alone, as many points as conditions, and a vanishing penalty, both kinds of collocation interpolate."""
    problem, kernel = Poisson(), ARD((0.7, 1.0))
    data = problem.rows(*problem.split(scatter(problem, 6, 1, generator())))
    solved = solve_labels([kernel], data.x, values_of(data), 1e-10)
    assert (solved.y - data.y).abs().max() < 1e-7
    units = scatter(problem, 20, 1, generator(3))
    symmetric = collocate(kernel, values_of(data), 1e-10).apply(units)
    assert (predictor(kernel, data._replace(y=solved.y), 1e-10).apply(units) - symmetric).abs().max() < 1e-6


def test_a_family_shares_its_labels_and_has_a_gradient():
    problem = Poisson()
    kernels = [ARD((0.4, 1.0)), ARD((0.7, 2.0))]
    points = scatter(problem, 4, 1, generator())
    asked = physics(problem, 3, 1, generator(1), interior=6, alphas=3)
    conditions = join(values_of(asked.boundary), linearise(problem, asked.interior))
    alone = [solve_labels([kernel], points, conditions, 1e-3) for kernel in kernels]
    both = solve_labels(kernels, points, conditions, 1e-3)
    assert both.loss >= (alone[0].loss + alone[1].loss) / 2 - 1e-12
    assert torch.autograd.gradcheck(lambda z: tuple(solve_labels(kernels, z, conditions, 1e-3, 1e-4)), (points.requires_grad_(),))
    with pytest.raises(ValueError, match="at least as many conditions"):
        solve_labels(kernels[:1], points, Functionals(*(part[:, :2] for part in conditions)), 1e-3)


@pytest.mark.parametrize("problem", [Screened(), Conduction()], ids=lambda problem: problem.name)
def test_labels_carry_physics_to_the_other_tail(problem):
    asked = physics(problem, 3, 1, generator(1), interior=60, alphas=10)
    data = problem.rows(*problem.split(scatter(problem, 20, 1, generator(2), "lower")))
    points, kernel = tensor_grid(problem, 5, 4, "both", spacing="chebyshev").unsqueeze(0), ARD((1.0, 2.0))
    units = tensor_grid(problem, 20, 11).unsqueeze(0)
    exact = problem.exact_at(units)

    def error(y):
        return (predictor(kernel, Distilled(points, y, torch.ones_like(y)), 1e-6).apply(units) - exact).norm() / exact.norm()

    solved = solve_nonlinear(problem, [kernel], points, data, asked, 1e-6, 1e-6)
    assert error(solved.y) < 0.25
    assert error(solved.y) < 0.5 * error(solve_labels([kernel], points, values_of(data), 1e-6, 1e-6).y)


def test_what_cannot_be_is_refused():
    data = Poisson().rows(*Poisson().split(scatter(Poisson(), 3, 1, generator())))
    with pytest.raises(ValueError, match="lengths"):
        collocate(ARD((1.0,)), values_of(data))
    with pytest.raises(ValueError, match="length of a kernel"):
        ARD((1.0, 0.0))
    with pytest.raises(ValueError, match="penalty"):
        collocate(ARD((1.0, 1.0)), values_of(data), 0.0)
    with pytest.raises(ValueError, match="no solution"):
        collocate(ARD((1.0, 1.0)), values_of(data._replace(x=data.x * torch.nan)))
