"""Logistic regression on a label that is read off a continuous one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners import logistic, logistic_objective
from ddlib.learners.check import positive_penalty
from ddlib.problem import Distilled
from ddlib.tasks.empirical import EmpiricalTask


@dataclass(frozen=True, eq=False)
class LogisticTask(EmpiricalTask):
    r"""L2-penalised logistic regression; its learner reads :math:`\pm 1` as "y above the median of the training labels, or not".

    Reading a binary label off the continuous one lets the same distilled set be given to regressions and to a classifier.

    Attributes:
        penalty: :math:`\lambda > 0`.
    """

    name: str = "logistic"
    penalty: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        positive_penalty(self.penalty)

    @cached_property
    def threshold(self) -> Float[Tensor, "R 1"]:
        """The training median of y."""
        return torch.quantile(self.data.y, 0.5, dim=-1, keepdim=True)

    def read(self, data: Distilled) -> Distilled:
        """The same rows with labels ±1."""
        return data._replace(y=torch.where(data.y > self.threshold, 1.0, -1.0).to(data.x.dtype))

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, "R d"]:
        return logistic(self.read(distilled), self.penalty)

    def objective(self, model: Float[Tensor, "R d"], distilled: Distilled) -> Float[Tensor, " R"]:
        return logistic_objective(model, self.read(distilled), self.penalty)
