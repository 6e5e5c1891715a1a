r"""What no set can do better: certified lower bounds on the share of the learnable that is lost.

Both are relative regrets, as :func:`ddlib.lens.relative_regret` gives them. (Derived for this project.)
"""

from __future__ import annotations

import math

import torch
from scipy.optimize import brentq

from ddlib.learners import logistic
from ddlib.lens import untrained
from ddlib.problem import regret
from ddlib.tasks import LogisticTask, RidgeTask

MARGIN = 0.278464542761074
r""":math:`\kappa = \max_u u\, \sigma(-u)`, the most that one point of weight one can pull along a logistic solution."""


def ridge_regret_bound(task: RidgeTask, budget: int) -> float:
    r"""The least relative regret on a family of ridge regressions that *any* set of m points can have.

    The regret of :math:`\hat\theta_1, \dots, \hat\theta_L` is
    :math:`\tfrac1L \sum_l (\hat\theta_l - \theta_l)^\top (A + \lambda_l I) (\hat\theta_l - \theta_l)`. For every :math:`\mu > 0`
    and with :math:`M = A + \mu I`,

    .. math:: A + \lambda_l I \succeq c_l M, \qquad c_l = \min_a \frac{a + \lambda_l}{a + \mu}
        \text{ over the eigenvalues } a \text{ of } A .

    Solutions learned from m points lie in the span of these points, so by Eckart and Young (1936) the regret is at least

    .. math:: \tfrac1L \sum_{i > m} \sigma_i^2\bigl(M^{1/2} [\sqrt{c_1}\,\theta_1 \;\cdots\; \sqrt{c_L}\,\theta_L]\bigr) .

    The largest of these bounds, over :math:`\mu` in the family, is given.

    Args:
        task: the family.
        budget: m.

    Raises:
        ValueError: if the budget is below one, or a penalty is zero.
    """
    if budget < 1 or min(task.penalties) <= 0:
        raise ValueError(f"the bound needs at least 1 point and positive penalties, not {budget} and {task.penalties}")
    rows = task.data.x[0] * task.data.w[0].sqrt().unsqueeze(-1)
    values, vectors = torch.linalg.eigh(rows.T @ rows)
    values = values.clamp(min=0)
    solutions = task.reference[0] @ vectors  # L × d, in the eigenvectors' coordinates
    least = 0.0
    for mu in task.penalties:
        factor = torch.stack([((values + penalty) / (values + mu)).min() for penalty in task.penalties])
        singular = torch.linalg.svdvals(factor.sqrt().unsqueeze(-1) * solutions * (values + mu).sqrt())
        least = max(least, float(singular[budget:].square().sum()) / len(task.penalties))
    return least / float(regret(task, untrained(task))[0])


def unit_weight_limit(task: LogisticTask, budget: int) -> float:
    r"""The least relative regret on logistic regression of sets of m points whose weights are one: the infimum, exactly.

    At the optimum on S, :math:`\lambda \theta = \sum_i y_i x_i\, \sigma(-u_i)` with margins :math:`u_i = y_i x_i^\top \theta`, so

    .. math:: \lambda \|\theta\|^2 = \sum_i u_i\, \sigma(-u_i) \le \kappa m, \qquad \kappa = \max_u u\,\sigma(-u) = 0.278\ldots

    Every shorter :math:`\theta` is learned from m equal points along it. So the infimum is that of the risk over a ball, which
    logistic regression on D with a larger penalty attains.

    Args:
        task: the classifier.
        budget: m.

    Raises:
        ValueError: if the budget is below one.
    """
    if budget < 1:
        raise ValueError(f"the limit is for sets of at least 1 point, but the budget is {budget}")
    data, radius = task.read(task.data), math.sqrt(MARGIN * budget / task.penalty)

    def outside(exponent: float) -> float:
        return float(logistic(data, math.exp(exponent)).norm(dim=-1)[0]) - radius

    low = math.log(task.penalty)
    if outside(low) <= 0:
        return 0.0
    high = low + 1.0
    while outside(high) > 0:
        high += 1.0
    best = logistic(data, math.exp(brentq(outside, low, high, xtol=1e-12)))
    return float((regret(task, best) / regret(task, untrained(task)))[0])
