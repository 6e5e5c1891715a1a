r"""How good a distilled set is: the share of what can be learned that it loses, the cross-task view, and bounds for any method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from scipy.optimize import minimize_scalar
from torch import Tensor

from ddlib.problem import Distilled, Task, regret
from ddlib.tasks import RidgeTask

__all__ = ["cross_task", "one_point_lower_bound", "relative_regret", "ridge_lower_bound", "ridge_regret_bound", "untrained"]


def ridge_lower_bound(solutions: Float[Tensor, "*R L d"], budget: int) -> Float[Tensor, "*R"]:
    r"""The least root-mean-square relative parameter error over L ridge tasks that *any* method can reach with m points.

    Every ridge solution learned from m points lies in the span of these points, so by Eckart and Young (1936)

    .. math:: \Bigl(\tfrac1L \sum_{l=1}^L \frac{\|\hat\theta_l - \theta_l\|^2}{\|\theta_l\|^2}\Bigr)^{1/2}
        \ge \Bigl(\tfrac1L \sum_{i>m} \sigma_i^2\Bigr)^{1/2},

    where :math:`\sigma_i` are the singular values of the column-normalised matrix :math:`[\theta_1 \dots \theta_L]`.

    Args:
        solutions: the solutions on D, one row per task.
        budget: m.

    Raises:
        ValueError: if the budget is below one.

    >>> solutions = torch.tensor([[1.0, 0.0], [0.0, 1.0]])  # two tasks that have nothing in common
    >>> ridge_lower_bound(solutions, 1), ridge_lower_bound(solutions, 2)
    (tensor(0.7071), tensor(0.))
    """
    if budget < 1:
        raise ValueError(f"the bound is for sets of at least 1 point, but the budget is {budget}")
    unit = solutions / solutions.norm(dim=-1, keepdim=True)
    singular = torch.linalg.svdvals(unit)
    return (singular[..., budget:] ** 2).sum(-1).div(solutions.shape[-2]).sqrt()


def ridge_regret_bound(task: RidgeTask, budget: int) -> float:
    r"""The least relative regret on a family of ridge regressions that *any* set of m points can have.

    With :math:`G = X^\top X` the regret of :math:`\hat\theta_1, \dots, \hat\theta_L` is
    :math:`\tfrac1L \sum_l (\hat\theta_l - \theta_l)^\top (G + \lambda_l I) (\hat\theta_l - \theta_l)`. For every :math:`\beta > 0`
    and with :math:`M = G + \beta I`,

    .. math:: G + \lambda_l I \succeq c_l M, \qquad c_l = \min_i \frac{\kappa_i + \lambda_l}{\kappa_i + \beta}
        \text{ over the eigenvalues } \kappa_i \text{ of } G .

    Solutions learned from m points lie in the span of these points, so by Eckart and Young (1936) the regret is at least

    .. math:: \tfrac1L \sum_{i > m} s_i^2\bigl(M^{1/2} [\sqrt{c_1}\,\theta_1 \;\cdots\; \sqrt{c_L}\,\theta_L]\bigr) .

    The largest of these bounds, over :math:`\beta` in the family, is given. (Derived for this project.)

    Args:
        task: the family.
        budget: m.

    Raises:
        ValueError: if the budget is below one, or a penalty is zero.

    >>> from ddlib.tasks import as_data
    >>> task = RidgeTask(as_data([[1.0, 0.0], [0.0, 5.0]], [1.0, 1.0]), penalties=(0.1, 10.0))
    >>> [round(ridge_regret_bound(task, m), 4) for m in (1, 2)]
    [0.1151, 0.0]
    """
    if budget < 1 or min(task.penalties) <= 0:
        raise ValueError(f"the bound needs at least 1 point and positive penalties, not {budget} and {task.penalties}")
    rows = task.data.x[0] * task.data.w[0].sqrt().unsqueeze(-1)
    values, vectors = torch.linalg.eigh(rows.T @ rows)
    values = values.clamp(min=0)
    solutions = task.reference[0] @ vectors  # L × d, in the eigenvectors' coordinates
    least = 0.0
    for beta in task.penalties:
        factor = torch.stack([((values + penalty) / (values + beta)).min() for penalty in task.penalties])
        singular = torch.linalg.svdvals(factor.sqrt().unsqueeze(-1) * solutions * (values + beta).sqrt())
        least = max(least, float(singular[budget:].square().sum()) / len(task.penalties))
    return least / float(regret(task, untrained(task))[0])


def untrained(task: Task) -> Any:
    """The model that the learner gives when every row has weight zero: what it says before it has seen data.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> untrained(RidgeTask(as_data(torch.eye(2), torch.ones(2))))
    tensor([[[0., 0.]]])
    """
    data = task.train
    return task.fit(data._replace(w=torch.zeros_like(data.w)))


def relative_regret(task: Task, distilled: Distilled) -> Float[Tensor, " R"]:
    r"""The share of what can be learned from D that is lost when learning from S.

    .. math:: \frac{R_\tau(S) - R_\tau(D)}{R_\tau(\varnothing) - R_\tau(D)}

    0 is as good as the data, 1 as bad as no data; above 1 is worse than no data.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(2), torch.ones(2)))
    >>> half = Distilled(*(part[:, :1] for part in task.train))
    >>> relative_regret(task, task.train), relative_regret(task, half)
    (tensor([0.]), tensor([0.5000]))
    """
    return regret(task, task.fit(distilled)) / regret(task, untrained(task))


def cross_task(sets: Sequence[Distilled], tasks: Sequence[Task]) -> Float[Tensor, "sets tasks R"]:
    """:func:`relative_regret` of every set on every task.

    Raises:
        TypeError: if a set or a task is given instead of a list of them.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> tasks = [RidgeTask(as_data(torch.eye(2), torch.ones(2)), penalties=(penalty,)) for penalty in (0.1, 10.0)]
    >>> cross_task([task.train for task in tasks], tasks).shape
    torch.Size([2, 2, 1])
    """
    if isinstance(sets, Distilled):
        raise TypeError("sets are a list, but one set was given: write cross_task([distilled], tasks)")
    if not isinstance(tasks, Sequence):
        raise TypeError("tasks are a list, but one task was given: write cross_task(sets, [task])")
    return torch.stack([torch.stack([relative_regret(task, distilled) for task in tasks]) for distilled in sets])


def one_point_lower_bound(task: Task, direction: Float[Tensor, " d"]) -> float:
    r"""The least relative regret on a linear task that *any* single point along a direction can have.

    Ridge, least-norm and penalised logistic learners all return a multiple of the only x that they see, whatever its length, label
    and weight. A point that serves another task exactly lies along that task's solution u, so it loses here at least

    .. math:: \min_{c \in \mathbb{R}} \frac{R_\tau(c\,u) - R_\tau(D)}{R_\tau(\varnothing) - R_\tau(D)}.

    The risk is convex in c. (Derived for this project.)

    Args:
        task: a task with one solution and one replicate.
        direction: u, of any length but zero.

    Raises:
        ValueError: if the task has more than one solution or replicate, or the direction is zero.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(2), torch.ones(2)))
    >>> [abs(round(one_point_lower_bound(task, torch.tensor(at)), 4)) for at in ([1.0, 1.0], [1.0, 0.0])]
    [0.0, 0.5]
    """
    shape = task.reference.shape
    if shape.numel() != direction.numel() or not bool(direction.any()):
        given = f"a direction of {direction.numel()} numbers"
        raise ValueError(f"{given} was given: one solution of shape {tuple(shape)} needs as many, not all zero")
    unit = (direction / direction.norm()).view(shape) * task.reference.norm()
    best = minimize_scalar(lambda c: float(task.risk(c * unit)), bracket=(0.0, 1.0), tol=1e-12)
    return float(regret(task, best.x * unit) / regret(task, untrained(task)))
