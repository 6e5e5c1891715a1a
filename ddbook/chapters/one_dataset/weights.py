"""Where a single point needs a weight: the penalties at which none of weight one serves logistic regression."""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import lambertw

from ddlib.learners import logistic
from ddlib.tasks import LogisticTask

MARGIN = float(lambertw(1 / math.e).real)
r""":math:`\kappa = \max_u u\, \sigma(-u) = W(1/e) = 0.278\ldots`, with Lambert's W."""
DECADES = range(-8, 9)
"""Exponents of ten between which the penalties are looked for."""


def pull(task: LogisticTask, penalty: float) -> float:
    r""":math:`\lambda \|\theta(\lambda)\|^2`, where :math:`\theta(\lambda)` is learned from all data with *this* penalty."""
    return penalty * float(logistic(task.read(task.data), penalty).square().sum())


def unit_weight_penalties(task: LogisticTask) -> tuple[float, float]:
    r"""The penalties between which no single point of weight one serves the task.

    A point :math:`x = t\,\theta` with label +1 and weight 1 is learned as :math:`\theta` if
    :math:`t\,\sigma(-t \|\theta\|^2) = \lambda`. Such a t exists if and only if :math:`\lambda \|\theta(\lambda)\|^2 \le \kappa`,
    which holds for small penalties, and again for those so large that there is little to be learned.

    Args:
        task: any; its own penalty does not matter.

    Raises:
        ValueError: if there is no such penalty between 10⁻⁸ and 10⁸.
    """
    beyond = [exponent for exponent in DECADES if pull(task, 10.0**exponent) > MARGIN]
    if not beyond:
        raise ValueError(f"a point of weight one serves {task.name} at every penalty: there are no two to tell")

    def excess(exponent: float) -> float:
        return pull(task, 10.0**exponent) - MARGIN

    low = brentq(excess, beyond[0] - 1, beyond[0], xtol=1e-10)
    high = brentq(excess, beyond[-1], beyond[-1] + 1, xtol=1e-10)
    return 10.0**low, 10.0**high
