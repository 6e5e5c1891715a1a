"""Median regression."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.closed_forms import of_weight_one, unit, weighted
from ddlib.learners import absolute_objective, least_absolute
from ddlib.problem import Distilled
from ddlib.tasks.empirical import EmpiricalTask


@dataclass(frozen=True, eq=False)
class LeastAbsoluteTask(EmpiricalTask):
    r"""Least absolute deviation, ties by least norm; the risk is :math:`\sum_i |y_i - x_i^\top \theta|` on D.

    Not differentiable.
    """

    name: str = "least absolute deviation"

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, "R d"]:
        return least_absolute(distilled)

    def objective(self, model: Float[Tensor, "R d"], distilled: Distilled) -> Float[Tensor, " R"]:
        return absolute_objective(model, distilled)

    def construct(self, budget: int) -> Distilled:
        r"""One point :math:`x = c v, y = c \|\theta\|` with :math:`v = \theta/\|\theta\|`.

        Of all coefficients that fit it, :math:`\theta` are those of least norm. Any :math:`c > 0` would do.
        :math:`c = (v^\top X^\top X v)^{1/2}`, over weighted rows, gives the squared loss of the point the data's own curvature
        along v, so that a quadratic learner reads it sensibly.
        """
        theta = self.fit(self.data)
        direction = unit(theta)
        rows, _ = weighted(self.data)
        scale = (rows @ direction.unsqueeze(-1)).squeeze(-1).norm(dim=-1, keepdim=True)
        x, y = (scale * direction).unsqueeze(-2), scale * theta.norm(dim=-1, keepdim=True)
        return of_weight_one(x.expand(self.replicates, -1, -1), y.expand(self.replicates, -1))

    def is_exact(self, budget: int) -> bool:
        """From one point on."""
        return budget >= 1
