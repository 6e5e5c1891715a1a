r"""Distilled sets that serve a task exactly, in closed form, and how few points that takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.methods.carry import carry
from ddlib.methods.joined import label_scale
from ddlib.problem import ClosedForm, Distilled, Task
from ddlib.tasks import IntervalTask, LeastAbsoluteTask, LogisticTask, RidgeTask


@dataclass(frozen=True)
class Exact(ClosedForm):
    """The closed form that :func:`construct` knows for the task at this budget."""

    name: str = "exact"

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        return construct(task, budget)


@singledispatch
def construct(task: Any, budget: int) -> Distilled:
    """An exact distilled set of at most ``budget`` units; a task brings its own with ``construct.register``.

    Raises:
        ValueError: if the budget is below one.
        NotImplementedError: if no closed form is known for this kind of task.
    """
    raise NotImplementedError(f"no exact construction is known for {type(task).__name__}: use an iterative method")


def is_exact(task: Task, budget: int) -> bool:
    """Whether :func:`construct` serves the task with zero regret at this budget."""
    if isinstance(task, RidgeTask):
        return budget >= min(len(task.penalties), _orthonormal(_weighted(task.data)[0]).shape[-1])
    if isinstance(task, IntervalTask):
        return budget >= task.train.x.shape[-1] + 2
    return isinstance(task, LeastAbsoluteTask | LogisticTask) and budget >= 1


@construct.register
def _ridge(task: RidgeTask, budget: int) -> Distilled:
    """As many points as the L solutions have dimensions; with a smaller budget, for as many penalties, spread over the list."""
    _at_least_one(budget)
    if budget >= task.data.x.shape[-1] + 1:
        return factor(task.train)
    count, solutions = len(task.penalties), task.fit(task.train)
    served = serve_solutions(task.train, solutions)
    if served.budget <= budget:
        return served
    spread = torch.linspace(0, count - 1, budget).round().long() if budget > 1 else torch.tensor([(count - 1) // 2])
    return serve_solutions(task.train, solutions[..., spread, :])


@construct.register
def _least_absolute(task: LeastAbsoluteTask, budget: int) -> Distilled:
    r"""One point :math:`x = c v, y = c \|\theta\|` with :math:`v = \theta/\|\theta\|`.

    Of all coefficients that fit it, :math:`\theta` are those of least norm. Any :math:`c > 0` would do.
    :math:`c = (v^\top X^\top X v)^{1/2}`, over weighted rows, gives the squared loss of the point the data's own curvature along v,
    so that a quadratic learner reads it sensibly.
    """
    _at_least_one(budget)
    theta = task.fit(task.data)
    direction = _unit(theta)
    rows, _ = _weighted(task.data)
    scale = (rows @ direction.unsqueeze(-1)).squeeze(-1).norm(dim=-1, keepdim=True)
    x, y = (scale * direction).unsqueeze(-2), scale * theta.norm(dim=-1, keepdim=True)
    return _ones(x.expand(task.replicates, -1, -1), y.expand(task.replicates, -1))


@construct.register
def _logistic(task: LogisticTask, budget: int) -> Distilled:
    r"""One point :math:`x = t \theta` of weight :math:`\lambda / (t\, \sigma(-t\|\theta\|^2))`, y one deviation above the median.

    :math:`t = \min(1, 8/\|\theta\|^2)` keeps the weight finite where :math:`\theta` is long. Labels that are all the same have no
    deviation; then y is above the median by one, or by as much as the median itself, so that it is read as +1 whatever its size.
    """
    _at_least_one(budget)
    theta = task.fit(task.data).expand(task.replicates, -1)
    square = (theta**2).sum(-1, keepdim=True)
    shrink = (8 / square).clamp(max=1)
    weight = task.penalty / (shrink * torch.sigmoid(-shrink * square))
    deviation = label_scale(task.data)
    above = torch.where(task.threshold + deviation > task.threshold, deviation, task.threshold.abs())
    return Distilled((shrink * theta)[:, None, :], (task.threshold + above).expand_as(weight), weight)


@construct.register
def _interval(task: IntervalTask, budget: int) -> Distilled:
    r"""d + 2 points with the mean and covariance of (x, y) in D, whose weights add up to D's.

    The posterior depends on D through :math:`\sum w`, the mean and the covariance of (x, y) only. With weights of one the same
    points would give the right mean and claim to know it from d + 2 rows. Nothing is known for fewer points.
    """
    data = task.train
    dimension = data.x.shape[-1]
    if budget < dimension + 2:
        raise NotImplementedError(f"no exact construction is known for the {task.name} with fewer than {dimension + 2} points")
    rows, total = torch.cat([data.x, data.y.unsqueeze(-1)], -1), data.w.sum(-1, keepdim=True)
    share = (data.w / total).unsqueeze(-1)
    mean = (share * rows).sum(-2)
    centred = share.sqrt() * (rows - mean.unsqueeze(-2))
    points = carry(mean, centred.mT @ centred)
    return Distilled(points[..., :-1], points[..., -1], (total / (dimension + 2)).expand(-1, dimension + 2))


def factor(data: Distilled) -> Distilled:
    r"""The rows of the R factor of :math:`[X\ y]`: d + 1 points with the same squared loss as the data at every :math:`\theta`.

    .. math:: [X\ y]^\top [X\ y] = R^\top R \quad\Rightarrow\quad \|y - X\theta\|^2 = \|y_S - X_S\theta\|^2 \;\forall \theta,

    so that every ridge or lasso regression, whatever its penalty, has the same answer (for linear regression: Izzo and Zou 2023).

    Args:
        data: rows x of shape (R, n, d), labels y of shape (R, n), weights w of shape (R, n).
    """
    x, y = _weighted(data)
    joined = torch.cat([x, y.unsqueeze(-1)], -1)
    rows = torch.linalg.qr(joined, mode="r").R
    return _ones(rows[..., :-1], rows[..., -1])


def serve_solutions(data: Distilled, solutions: Float[Tensor, "R m d"]) -> Distilled:
    r"""Points from which every ridge regression whose solution on D lies in the span of ``solutions`` is learned exactly.

    .. math:: V = \operatorname{orth}\operatorname{span}\{\theta_1, \dots, \theta_m\},\quad XV = QC^\top,\quad
        X_S = C^\top V^\top,\quad y_S = C^{-1} V^\top X^\top y = Q^\top y,

    where X and y stand for the rows of D times the square roots of their weights. There are as many points as dimensions in the
    span, at most the rank of X, and one at least; replicates whose span has fewer are filled up with points at zero. With one
    solution this is one point. Its label or its weight must be free: with label 1 *and* weight 1, one point is learned as
    :math:`\theta` only if :math:`\lambda \le 1/(4\|\theta\|^2)`. (Derived for this project; Chen, Huang and Weng 2024 have one
    point per class for kernel ridge regression.)

    Args:
        data: rows x of shape (R, n, d), labels y of shape (R, n), weights w of shape (R, n).
        solutions: ridge solutions on D.
    """
    x, y = _weighted(data)
    basis = _orthonormal(_unit(solutions) @ _projection(x))
    orthogonal, upper = torch.linalg.qr(x @ basis)
    points = upper @ basis.mT
    labels = (orthogonal.mT @ y.unsqueeze(-1)).squeeze(-1) * basis.any(-2)
    sign = torch.where(labels < 0, -1.0, 1.0).to(labels)
    return _ones(sign.unsqueeze(-1) * points, sign * labels)


def _projection(x: Float[Tensor, "R n d"]) -> Float[Tensor, "R d d"]:
    """The projection on the span of the rows, where ridge solutions lie but for rounding."""
    rows = _orthonormal(x)
    return rows @ rows.mT


def _orthonormal(rows: Float[Tensor, "R n d"]) -> Float[Tensor, "R d k"]:
    """Orthonormal columns that span the rows: as many as the largest rank, with columns of zeros where the rank is lower."""
    _, singular, basis = torch.linalg.svd(rows, full_matrices=False)
    kept = singular > 4096 * torch.finfo(rows.dtype).eps * singular[..., :1]
    most = max(int(kept.sum(-1).max()), 1)
    return (kept.unsqueeze(-1) * basis)[..., :most, :].mT


def _unit(theta: Float[Tensor, "*R d"]) -> Float[Tensor, "*R d"]:
    """Theta at length one; zero stays zero."""
    length = theta.norm(dim=-1, keepdim=True)
    return theta / torch.where(length > 0, length, torch.ones_like(length))


def _weighted(data: Distilled) -> tuple[Float[Tensor, "R n d"], Float[Tensor, "R n"]]:
    """Rows and labels times the square roots of their weights."""
    root = data.w.sqrt()
    return data.x * root.unsqueeze(-1), data.y * root


def _at_least_one(budget: int) -> None:
    if budget < 1:
        raise ValueError(f"an exact set needs a budget of at least 1 unit, but the budget is {budget}")


def _ones(x: Tensor, y: Tensor) -> Distilled:
    return Distilled(x, y, torch.ones_like(y))
