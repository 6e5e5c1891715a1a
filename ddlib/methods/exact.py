r"""Distilled sets that serve a task exactly, in closed form, and how few points that takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.problem import ClosedForm, Distilled, Task
from ddlib.tasks import LeastAbsoluteTask, LogisticTask, RidgeTask


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
        NotImplementedError: if no closed form is known for this kind of task.
    """
    raise NotImplementedError(f"no exact construction is known for {type(task).__name__}: use an iterative method")


def is_exact(task: Task, budget: int) -> bool:
    """Whether :func:`construct` serves the task with zero regret at this budget."""
    if isinstance(task, RidgeTask):
        return budget >= min(len(task.penalties), task.data.x.shape[-1] + 1)
    return isinstance(task, LeastAbsoluteTask | LogisticTask) and budget >= 1


@construct.register
def _ridge(task: RidgeTask, budget: int) -> Distilled:
    """L points for L penalties; with a smaller budget, points for as many penalties, spread over the list."""
    if budget >= task.data.x.shape[-1] + 1:
        return factor(task.train)
    count, budget = len(task.penalties), min(budget, len(task.penalties))
    spread = torch.linspace(0, count - 1, budget).round().long() if budget > 1 else torch.tensor([(count - 1) // 2])
    return serve_solutions(task.train, task.fit(task.train)[..., spread, :])


@construct.register
def _least_absolute(task: LeastAbsoluteTask, budget: int) -> Distilled:
    r"""One point :math:`x = \theta/\|\theta\|, y = \|\theta\|`: ties broken by least norm, it is learned as :math:`\theta`."""
    theta = task.fit(task.data).expand(task.replicates, -1)
    length = theta.norm(dim=-1, keepdim=True)
    return _ones((theta / length)[:, None, :], length)


@construct.register
def _logistic(task: LogisticTask, budget: int) -> Distilled:
    r"""One point :math:`x = \theta` of weight :math:`\lambda / \sigma(-\|\theta\|^2)`, y one deviation above the median."""
    theta = task.fit(task.data).expand(task.replicates, -1)
    weight = task.penalty / torch.sigmoid(-(theta**2).sum(-1, keepdim=True))
    label = (task.threshold + task.data.y.std(dim=-1, keepdim=True)).expand_as(weight)
    return Distilled(theta[:, None, :], label, weight)


def factor(data: Distilled) -> Distilled:
    r"""The rows of the R factor of :math:`[X\ y]`: d + 1 points with the same squared loss as the data at every :math:`\theta`.

    .. math:: [X\ y]^\top [X\ y] = R^\top R \quad\Rightarrow\quad \|y - X\theta\|^2 = \|y_S - X_S\theta\|^2 \;\forall \theta,

    so that every ridge or lasso regression, whatever its penalty, has the same answer (for linear regression: Izzo and Zou 2023).

    Args:
        data: rows x of shape (R, n, d), labels y of shape (R, n), weights w of shape (R, n).
    """
    joined = torch.cat([data.x, data.y.unsqueeze(-1)], -1) * data.w.sqrt().unsqueeze(-1)
    rows = torch.linalg.qr(joined, mode="r").R
    return _ones(rows[..., :-1], rows[..., -1])


def serve_solutions(data: Distilled, solutions: Float[Tensor, "R m d"]) -> Distilled:
    r"""m points from which every ridge regression whose solution on D lies in the span of ``solutions`` is learned exactly.

    .. math:: V = \operatorname{orth}\operatorname{span}\{\theta_1, \dots, \theta_m\},\quad V^\top X^\top X V = CC^\top,\quad
        X_S = C^\top V^\top,\quad y_S = C^{-1} V^\top X^\top y.

    With one solution this is one point. Labels must be free: with labels fixed to 1 a single point exists only if
    :math:`\lambda \le 1/(4\|\theta\|^2)`. (Derived for this project; Chen, Huang and Weng 2024 have one point per class for
    kernel ridge regression.)

    Args:
        data: rows x of shape (R, n, d), labels y of shape (R, n), weights w of shape (R, n).
        solutions: ridge solutions on D, linearly independent.
    """
    weighted = data.x * data.w.unsqueeze(-1)
    basis = torch.linalg.qr((solutions / solutions.norm(dim=-1, keepdim=True)).mT).Q
    lower = torch.linalg.cholesky(basis.mT @ weighted.mT @ data.x @ basis)
    moment = basis.mT @ (weighted.mT @ data.y.unsqueeze(-1))
    return _ones(lower.mT @ basis.mT, torch.linalg.solve_triangular(lower, moment, upper=False).squeeze(-1))


def _ones(x: Tensor, y: Tensor) -> Distilled:
    return Distilled(x, y, torch.ones_like(y))
