"""Median regression."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import same_units
from ddlib.closed_forms import of_weight_one, unit, weighted
from ddlib.learners import absolute_objective, least_absolute
from ddlib.learners.check import number_labels
from ddlib.problem import Distilled
from ddlib.tasks.empirical import EmpiricalTask

__all__ = ["LeastAbsoluteTask"]


@dataclass(frozen=True, eq=False)
class LeastAbsoluteTask(EmpiricalTask):
    r"""Least absolute deviation, ties by least norm; the risk is :math:`\sum_i |y_i - x_i^\top \theta|` on D.

    Not differentiable.

    >>> from ddlib.tasks import as_data
    >>> LeastAbsoluteTask(as_data([[1.0], [1.0], [1.0]], [0.0, 1.0, 5.0])).reference.round(decimals=3).tolist()
    [[1.0]]
    """

    name: str = "least absolute deviation"

    def __post_init__(self) -> None:
        super().__post_init__()
        number_labels(self.data)

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, "R d"]:
        same_units(distilled, self.data, self.name)
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
