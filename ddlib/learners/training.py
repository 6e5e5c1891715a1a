r"""Training by gradient steps, itself differentiable: the path can be unrolled in whole or in a window."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import one_each

__all__ = ["Training"]

Objective = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Training:
    r"""Gradient descent on an objective, plain or with Adam's scaling (Kingma and Ba 2015).

    .. math::

        \theta_{t+1} = \theta_t - \eta\, \nabla J(\theta_t) \qquad\text{or}\qquad
        \theta_{t+1} = \theta_t - \eta\, \hat m_t / \sqrt{\hat v_t + \epsilon^2} .

    Adam's :math:`\epsilon` stands under the root, so that the step has a gradient also where J is flat. The replicates' objectives
    are summed before differentiation; replicates stay independent.

    Attributes:
        steps: N, how many.
        lr: the step size :math:`\eta`.
        optimiser: ``"sgd"`` or ``"adam"``.
        betas, epsilon: Adam's constants.

    >>> end = Training(steps=50, lr=0.25, optimiser="sgd").run(lambda theta: (theta - 3).square().sum(-1), torch.zeros(1, 1))
    >>> round(end.item(), 3)
    3.0
    """

    steps: int = 200
    lr: float = 0.05
    optimiser: Literal["sgd", "adam"] = "adam"
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        if self.steps < 0 or not 0 < self.lr < math.inf:
            raise ValueError(f"training needs 0 or more steps and a positive step size, but they are {self.steps} and {self.lr}")
        if self.optimiser not in ("sgd", "adam"):
            raise ValueError(f"the optimiser must be 'sgd' or 'adam', but it is {self.optimiser!r}")

    def run(
        self, objective: Objective, theta: Float[Tensor, "*R P"], window: int | None = None, lr: Tensor | None = None
    ) -> Float[Tensor, "*R P"]:
        """The parameters after the last step.

        Args:
            objective: maps parameters to one number per replicate.
            theta: where to begin.
            window: the last so many steps are differentiable with respect to whatever the objective depends on; None: all of them,
                if gradients are enabled.
            lr: another step size, such as one for each replicate, that broadcasts against theta; None: that of the training.
        """
        *_, last = self.path(objective, theta, window, lr)
        return last

    def path(
        self, objective: Objective, theta: Float[Tensor, "*R P"], window: int | None = None, lr: Tensor | None = None
    ) -> Iterator[Tensor]:
        """The parameters before the first step and after each."""
        graph, (beta1, beta2) = torch.is_grad_enabled(), self.betas
        rate = self.lr if lr is None else lr
        first, second = torch.zeros_like(theta), torch.zeros_like(theta)
        yield theta
        for step in range(1, self.steps + 1):
            inside = graph and (window is None or step > self.steps - window)
            gradient = self._gradient(objective, theta, inside)
            if self.optimiser == "sgd":
                theta = theta - rate * gradient
            else:
                first = beta1 * first + (1 - beta1) * gradient
                second = beta2 * second + (1 - beta2) * gradient**2
                scale = (second / (1 - beta2**step) + self.epsilon**2).sqrt()
                theta = theta - rate * (first / (1 - beta1**step)) / scale
            yield theta

    @staticmethod
    def _gradient(objective: Objective, theta: Tensor, inside: bool) -> Tensor:
        """The gradient at theta; outside the window nothing remembers how it came about."""
        with torch.enable_grad():
            here = theta if inside and theta.requires_grad else theta.detach().requires_grad_()
            value = objective(here)
            one_each(value, here.shape[: max(value.ndim, 1)], "the objective that training minimises")
            (gradient,) = torch.autograd.grad(value.sum(), here, create_graph=inside)
        return gradient
