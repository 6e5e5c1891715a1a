"""Herding: real rows whose mean is the mean of the data."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.closed_forms import label_scale
from ddlib.methods.joined import joined, real_rows, within_classes
from ddlib.methods.needs import COMPLETE, PLAIN_LABELS
from ddlib.problem import ClosedForm, Distilled, Task
from ddlib.requirement import Requirement

__all__ = ["Herding"]


@dataclass(frozen=True)
class Herding(ClosedForm):
    r"""Rows of D, taken one by one so that the mean of those taken stays as near as it can to the mean of D.

    .. math:: i_t = \operatorname*{argmin}_{i \notin \{i_1, \dots, i_{t-1}\}}
        \Bigl\| \bar z - \frac1t \Bigl(z_i + \sum_{s<t} z_{i_s}\Bigr) \Bigr\|^2, \qquad
        \bar z = \frac{\sum_i w_i z_i}{\sum_i w_i}, \quad z_i = (x_i,\, y_i / \operatorname{sd}(y))

    Nothing is drawn; of rows that are equally good the first is taken. Every row has weight one, for the mean is of the rows as
    they stand. With class labels the budget is split evenly and each class is herded to its own mean. (Welling 2009; Chen,
    Welling and Smola 2010, super-samples; class by class in iCaRL, Rebuffi et al. 2017.)

    >>> from ddlib import distil
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data([[0.0], [1.0], [2.0], [3.0], [4.0]], [0.0, 1.0, 2.0, 3.0, 4.0]))
    >>> distil(Herding(), task, 1, 0, torch.Generator()).distilled.x.tolist()
    [[[2.0]]]
    """

    name: str = "herding"

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """Complete rows."""
        return (COMPLETE, PLAIN_LABELS)

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        """The rows.

        Raises:
            ValueError: if D, or a class of it, has fewer rows of positive weight than it has to give.
        """
        for need in (COMPLETE, PLAIN_LABELS):
            need.check(self, task, budget)
        data = task.train
        rows = joined(data)
        return within_classes(data, budget, lambda w, count: real_rows(data, _herd(rows, w, count)))

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, " R"]:
        r"""The squared distance :math:`\|\bar z_S - \bar z_D\|^2` between the weighted means of all rows, whatever their class."""
        scale = label_scale(task.train)
        return ((_mean(joined(distilled, scale), distilled.w) - _mean(joined(task.train, scale), task.train.w)) ** 2).sum(-1)


def _mean(rows: Float[Tensor, "R n k"], w: Float[Tensor, "R n"]) -> Float[Tensor, "R k"]:
    return ((w / w.sum(-1, keepdim=True)).unsqueeze(-1) * rows).sum(-2)


def _herd(rows: Float[Tensor, "R n k"], w: Float[Tensor, "R n"], count: int) -> Int[Tensor, "R m"]:
    """The rows of positive weight to take, in order."""
    centred = rows - _mean(rows, w).unsqueeze(-2)
    square, free = (centred**2).sum(-1), w > 0
    total, taken = torch.zeros_like(centred[..., :1, :]), []
    for _ in range(count):
        distance = square + 2 * (centred @ total.mT).squeeze(-1)  # of the new total from zero, less a constant
        pick = distance.masked_fill(~free, torch.inf).argmin(-1, keepdim=True)
        free = free.scatter(-1, pick, False)
        total = total + centred.take_along_dim(pick.unsqueeze(-1), -2)
        taken.append(pick)
    return torch.cat(taken, -1)
