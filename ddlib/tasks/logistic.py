"""Logistic regression on a label that is read off a continuous one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import same_units
from ddlib.closed_forms import label_scale
from ddlib.learners import logistic, logistic_objective
from ddlib.learners.check import number_labels, positive_penalty
from ddlib.problem import Distilled
from ddlib.tasks.empirical import EmpiricalTask

__all__ = ["LogisticTask"]


@dataclass(frozen=True, eq=False)
class LogisticTask(EmpiricalTask):
    r"""L2-penalised logistic regression; its learner reads :math:`\pm 1` as "y above the median of the training labels, or not".

    Reading a binary label off the continuous one lets the same distilled set be given to regressions and to a classifier.

    Attributes:
        penalty: :math:`\lambda > 0`.

    >>> from ddlib.tasks import as_data
    >>> task = LogisticTask(as_data(torch.eye(3), torch.tensor([0.0, 1.0, 7.0])))
    >>> task.read(task.data).y
    tensor([[-1., -1.,  1.]])
    """

    name: str = "logistic"
    penalty: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        number_labels(self.data)
        positive_penalty(self.penalty)

    @cached_property
    def threshold(self) -> Float[Tensor, "R 1"]:
        """The training median of y."""
        whole = self.__dict__.get("whole")
        return torch.quantile(self.data.y, 0.5, dim=-1, keepdim=True) if whole is None else whole.threshold

    def read(self, data: Distilled) -> Distilled:
        """The same rows with labels ±1."""
        return data._replace(y=torch.where(data.y > self.threshold, 1.0, -1.0).to(data.x.dtype))

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, "R d"]:
        same_units(distilled, self.data, self.name)
        return logistic(self.read(distilled), self.penalty)

    def objective(self, model: Float[Tensor, "R d"], distilled: Distilled) -> Float[Tensor, " R"]:
        return logistic_objective(model, self.read(distilled), self.penalty)

    def construct(self, budget: int) -> Distilled:
        r"""One point :math:`x = t \theta` of weight :math:`\lambda / (t\, \sigma(-t\|\theta\|^2))`, y a deviation above the median.

        :math:`t = \min(1, 8/\|\theta\|^2)` keeps the weight finite where :math:`\theta` is long. Labels that are all the same have
        no deviation; then y is above the median by one, or by as much as the median itself, so that it is read as +1 whatever its
        size.
        """
        theta = self.fit(self.data).expand(self.replicates, -1)
        square = (theta**2).sum(-1, keepdim=True)
        shrink = (8 / square).clamp(max=1)
        weight = self.penalty / (shrink * torch.sigmoid(-shrink * square))
        deviation = label_scale(self.data)
        above = torch.where(self.threshold + deviation > self.threshold, deviation, self.threshold.abs())
        return Distilled((shrink * theta)[:, None, :], (self.threshold + above).expand_as(weight), weight)

    def is_exact(self, budget: int) -> bool:
        """From one point on."""
        return budget >= 1
