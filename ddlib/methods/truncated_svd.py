"""The best low-rank summary of the data, whatever the task."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.closed_forms import label_scale
from ddlib.methods.joined import joined, parted
from ddlib.methods.needs import COMPLETE
from ddlib.problem import ClosedForm, Distilled, Task
from ddlib.requirement import Requirement

__all__ = ["TruncatedSVD"]


@dataclass(frozen=True)
class TruncatedSVD(ClosedForm):
    r"""The first m rows of :math:`\Sigma V^\top` in the singular value decomposition of :math:`[X\ \ y/\operatorname{sd}(y)]`.

    Of all sets of m points these have the nearest second moments in Frobenius norm (Eckart and Young 1936). At most d + 1 rows, or
    d + C with C class labels; the labels are then real numbers, and a row and its negative are the same to the moments, so that
    the largest entry of a label names no class.

    >>> from ddlib import distil
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task, method = RidgeTask(as_data([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 5.0])), TruncatedSVD()
    >>> chosen, _ = distil(method, task, 2, 0, torch.Generator())
    >>> bool(method.surrogate(task, chosen) < 1e-9)  # two rows keep all second moments of two columns
    True
    """

    name: str = "truncated_svd"

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """Complete rows."""
        return (COMPLETE,)

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        COMPLETE.check(self, task, budget)
        data = task.train
        _, singular, basis = torch.linalg.svd(joined(data) * data.w.sqrt().unsqueeze(-1), full_matrices=False)
        x, y = parted((singular.unsqueeze(-1) * basis)[..., :budget, :], data)
        return Distilled(x, y, data.w.new_ones(x.shape[: data.w.ndim]))

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, " R"]:
        r"""The distance of the second moments of S from those of D.

        .. math:: \Bigl\| \sum_{s \in S} w_s z_s z_s^\top - \sum_{i \in D} w_i z_i z_i^\top \Bigr\|_F^2,
            \qquad z = (x,\, y / \operatorname{sd}(y))
        """
        scale = label_scale(task.train)
        return ((_moments(distilled, scale) - _moments(task.train, scale)) ** 2).sum((-2, -1))


def _moments(points: Distilled, scale: Float[Tensor, "R 1"]) -> Float[Tensor, "R k k"]:
    rows = joined(points, scale)
    return rows.mT @ (points.w.unsqueeze(-1) * rows)
