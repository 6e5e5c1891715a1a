"""Median regression."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

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
