r"""Kernel distillation in closed form: the labels from which a whole family of kernels learns to obey the physics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.check import positive_penalty
from ddlib.pinn.data import Physics
from ddlib.pinn.problems.problem import Problem
from ddlib.pinn.teachers.kernel import ARD, Collocated, Functionals, join, linearise, values_of
from ddlib.problem import Distilled

__all__ = ["SolvedSet", "label_system", "predictor", "solve_labels", "solve_nonlinear"]


class SolvedSet(NamedTuple):
    """Labels of given points.

    Attributes:
        y: the labels, shape (R, m).
        loss: the mean weighted squared miss of the conditions over the family, shape (R,).

    >>> SolvedSet(torch.ones(1, 5), torch.zeros(1)).loss
    tensor([0.])
    """

    y: Float[Tensor, "*R m"]
    loss: Float[Tensor, "*R"]


def label_system(
    kernel: ARD, points: Float[Tensor, "*R m d"], conditions: Functionals, penalty: float
) -> tuple[Float[Tensor, "*R n m"], Float[Tensor, "*R n"]]:
    r"""What kernel ridge regression from labels y makes of linear conditions: :math:`M y` is to be b.

    .. math:: f_y = k(\cdot, X_S)\, (K_{SS} + \lambda I)^{-1} y, \qquad
        M = W^{1/2} L k(\cdot, X_S)\, (K_{SS} + \lambda I)^{-1}, \quad b = W^{1/2} v

    Args:
        kernel: the kernel.
        points: the units of S.
        conditions: functionals L, values v, weights w.
        penalty: :math:`\lambda`, of the regression.

    Raises:
        ValueError: if the penalty is not positive or too small for floating point.

    >>> points = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    >>> rows = values_of(Distilled(points, torch.ones(2), torch.ones(2)))
    >>> matrix, right = label_system(ARD((1.0, 1.0)), points, rows, 1e-6)
    >>> matrix.round(decimals=3).abs(), right  # labels are what a regression through them says
    (tensor([[1., 0.],
            [0., 1.]]), tensor([1., 1.]))
    """
    factor = _factor(kernel, points, penalty)
    root = conditions.weights.sqrt()
    response = kernel.between(conditions.points, points, conditions.coefficients)
    matrix = torch.cholesky_solve(response.mT, factor).mT
    return root.unsqueeze(-1) * matrix, root * conditions.values


def predictor(kernel: ARD, data: Distilled, penalty: float) -> Collocated:
    """Kernel ridge regression from a set whose weights are one, as a function with derivatives.

    >>> rows = Distilled(torch.tensor([[0.0, 0.0], [1.0, 0.0]]), torch.tensor([1.0, 2.0]), torch.ones(2))
    >>> predictor(ARD((1.0, 1.0)), rows, 1e-6).apply(rows.x).round(decimals=3)
    tensor([1., 2.])
    """
    dual = torch.cholesky_solve(data.y.unsqueeze(-1), _factor(kernel, data.x, penalty)).squeeze(-1)
    return Collocated(kernel, data.x, None, dual)


def solve_labels(
    kernels: Sequence[ARD],
    points: Float[Tensor, "*R m d"],
    conditions: Functionals | Sequence[Functionals],
    penalty: float = 1e-6,
    damping: float = 0.0,
    near: Float[Tensor, "*R m"] | None = None,
) -> SolvedSet:
    r"""The labels that minimise the misses of linear conditions, summed over a family of kernels.

    .. math:: y_S = \arg\min_y \sum_k \| M_k y - b_k \|^2 + \mu \|y - y_0\|^2

    In the linear case with one kernel this is collocation with the trial functions k(·, x), x in S: the labels' regression *is* the
    collocation solution. Differentiable in the points, and so is the loss.

    Args:
        kernels: the family.
        points: the units of S.
        conditions: for all kernels, or for each its own.
        penalty: of the regressions.
        damping: :math:`\mu`.
        near: :math:`y_0`; zero by default.

    Raises:
        ValueError: if there are fewer conditions than labels and no damping.

    >>> points = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    >>> rows = values_of(Distilled(points, torch.tensor([1.0, 2.0]), torch.ones(2)))
    >>> solve_labels([ARD((0.5, 1.0)), ARD((1.0, 1.0))], points, rows).y.round(decimals=3)
    tensor([1., 2.])
    """
    each = [conditions] * len(kernels) if isinstance(conditions, Functionals) else list(conditions)
    systems = [label_system(kernel, points, asked, penalty) for kernel, asked in zip(kernels, each, strict=True)]
    matrix, right = (torch.cat(parts, -1 - own) for own, parts in ((1, [m for m, _ in systems]), (0, [b for _, b in systems])))
    rows, budget = matrix.shape[-2:]
    if rows < budget and not damping > 0:
        raise ValueError(f"{budget} labels need at least as many conditions, but there are {rows}: ask for more, or give a damping")
    start = torch.zeros_like(matrix[..., 0, :]) if near is None else near
    full, goal = matrix, right - (matrix @ start.unsqueeze(-1)).squeeze(-1)
    if damping > 0:
        eye = damping**0.5 * torch.eye(budget, dtype=matrix.dtype, device=matrix.device)
        full = torch.cat([matrix, eye.expand(*matrix.shape[:-2], -1, -1)], -2)
        goal = torch.cat([goal, torch.zeros_like(start)], -1)
    change = torch.linalg.lstsq(full, goal.unsqueeze(-1), driver="gels").solution.squeeze(-1)
    y = start + change
    miss = (matrix @ y.unsqueeze(-1)).squeeze(-1) - right
    return SolvedSet(y, miss.square().sum(-1) / sum(asked.weights.sum(-1) for asked in each))


def solve_nonlinear(
    problem: Problem,
    kernels: Sequence[ARD],
    points: Float[Tensor, "*R m d"],
    data: Distilled,
    physics: Physics,
    penalty: float = 1e-6,
    damping: float = 1e-4,
    steps: int = 8,
    residual: float = 1.0,
    mismatch: float = 1.0,
    start: Float[Tensor, "*R m"] | None = None,
) -> SolvedSet:
    """Labels for data, an equation and boundary values; a nonlinear equation is linearised anew in each step, for each kernel.

    The last step is differentiable in the points, with the linearisation held fixed.

    Args:
        problem: the equation.
        kernels: the family.
        points: the units of S.
        data: rows whose labels are to be met.
        physics: where the equation and boundary values are asked for.
        penalty: of the regressions.
        damping: how strongly a step holds on to the labels of the step before (Levenberg 1944).
        steps: how many; the first uses the data and boundary values alone.
        residual: the weight of the equation's squared misses, in units of the problem's scale squared.
        mismatch: that of the boundary values' squared misses.
        start: the labels before the first step; zero by default.

    >>> from ddlib.pinn import Logistic, draw_data, physics, scatter
    >>> problem, generator = Logistic(), torch.Generator().manual_seed(0)
    >>> data, asked = draw_data(problem, 1, generator).train, physics(problem, 3, 1, generator, interior=16)
    >>> points = scatter(problem, 6, 1, generator)
    >>> solve_nonlinear(problem, [ARD((0.5, 0.3))], points, data, asked, steps=2).y.shape
    torch.Size([1, 6])
    """
    share = data._replace(w=data.w / data.w.sum(-1, keepdim=True))
    known = [values_of(share)]
    if physics.boundary.budget:
        known.append(values_of(physics.boundary, mismatch / physics.boundary.budget))
    fixed, count = join(*known), physics.interior.shape[-2]
    found = solve_labels(kernels, points, fixed, penalty, damping, start) if start is None else SolvedSet(start, start[..., 0])
    for _ in range(steps if count else 0):
        ones = torch.ones_like(found.y)
        functions = [predictor(kernel, Distilled(points.detach(), found.y.detach(), ones), penalty) for kernel in kernels]
        jets = [function.jet(physics.interior, problem.timed) for function in functions]
        each = [join(fixed, linearise(problem, physics.interior, jet, residual / count)) for jet in jets]
        found = solve_labels(kernels, points, each, penalty, damping, found.y.detach())
    return found


def _factor(kernel: ARD, points: Tensor, penalty: float) -> Tensor:
    positive_penalty(penalty, "kernel ridge")
    gram = kernel(points, points)
    factor, failed = torch.linalg.cholesky_ex(gram + penalty * torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device))
    if bool(failed.any()):
        raise ValueError(f"kernel ridge regression has no solution in {gram.dtype} at a penalty of {penalty}: raise it")
    return factor
