r"""The classical solver: SciPy's collocation method for two-point boundary-value problems, one α at a time."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from scipy.integrate import solve_bvp
from torch import Tensor

from ddlib.learners.check import positive_number
from ddlib.pinn.problems.problem import Jet, Problem, known_problem

__all__ = ["solve"]


def solve(
    problem: Problem, alpha: Float[Tensor, " k"], positions: Float[Tensor, " n"], tolerance: float = 1e-8
) -> Float[Tensor, "k n"]:
    """The solution at each position for each α, from the residual and the boundary values alone.

    The equations are linear in their highest derivative, which makes them a first-order system.

    Args:
        problem: a family without time.
        alpha: the boundary values.
        positions: where x lies.
        tolerance: relative, on the system's residual.

    Raises:
        ValueError: if the problem has time, an α or a position is not where the problem lives, or the solver does not reach the
            tolerance.

    >>> from ddlib.pinn import Poisson
    >>> alpha, x = torch.tensor([0.0, 2.0], dtype=torch.float64), torch.tensor([-1.0, 0.5], dtype=torch.float64)
    >>> solve(Poisson(), alpha, x).round(decimals=4).abs()
    tensor([[0., 1.],
            [2., 3.]], dtype=torch.float64)
    """
    known_problem(problem)
    if problem.timed:
        raise ValueError(f"{problem.name} has time, which a two-point solver has not: its exact solution is the reference")
    positive_number(tolerance, "the tolerance of a solver")
    for what, values, (low, high) in (("α", alpha, (problem.law.low, problem.law.high)), ("x", positions, problem.box[0])):
        if not isinstance(values, Tensor) or values.ndim != 1 or not len(values):
            given = f"of shape {tuple(values.shape)}" if isinstance(values, Tensor) else repr(values)
            raise ValueError(
                f"the solver needs a vector with a value of {what} at least, but it is {given}: give torch.tensor([…])"
            )
        inside = (values >= low) & (values <= high) if what == "x" else (values > low) & (values < high)
        if not bool(inside.all()):
            raise ValueError(
                f"{what} = {float(values[~inside][0]):.4g} does not lie between {low:.4g} and {high:.4g}, where {problem.name} "
                "lives: leave it out"
            )
    where = positions.detach().cpu().double().numpy()
    rows = [_one(problem, value, where, tolerance) for value in alpha.detach().cpu().double()]
    return torch.as_tensor(np.stack(rows)).to(positions)


def _one(problem: Problem, alpha: Tensor, positions: np.ndarray, tolerance: float) -> np.ndarray:
    low, high = problem.box[0]
    ends = {x: float(value) for x, value in problem.ends(alpha).items()}

    def system(x: np.ndarray, state: np.ndarray) -> np.ndarray:
        place, u = torch.from_numpy(x).unsqueeze(-1), torch.from_numpy(state)
        zero, many = torch.zeros_like(u[0]), alpha.expand(len(x))

        def residual(highest: Tensor) -> Tensor:
            jet = Jet(u[0], highest, zero) if problem.order == 1 else Jet(u[0], u[1], highest)
            return problem.residual(jet, place, many)

        rest = residual(zero)
        highest = -rest / (residual(zero + 1) - rest)
        return torch.stack([*u[1:], highest]).numpy()

    def misses(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.array([(left if x == low else right)[0] - value for x, value in ends.items()])

    mesh = np.linspace(low, high, 33)
    guess = np.zeros((problem.order, len(mesh)))
    guess[0] = np.interp(mesh, list(ends), list(ends.values()))
    found = solve_bvp(system, misses, mesh, guess, tol=tolerance, max_nodes=100_000)
    if not found.success:
        raise ValueError(f"the boundary-value solver failed on {problem.name} at α = {float(alpha):.4g}: {found.message}")
    return found.sol(positions)[0]
