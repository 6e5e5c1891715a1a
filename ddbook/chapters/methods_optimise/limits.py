r"""What no set of a classifier can do better while its weights are one. (Derived for this project.)"""

from __future__ import annotations

import math

from scipy.optimize import brentq

from ddlib.learners import logistic
from ddlib.lens import untrained
from ddlib.problem import regret
from ddlib.tasks import LogisticTask

MARGIN = 0.278464542761074
r""":math:`\kappa = \max_u u\, \sigma(-u)`, the most that one point of weight one can pull along a logistic solution."""


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
