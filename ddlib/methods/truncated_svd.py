"""The best low-rank summary of the data's second moments."""

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

    These are no rows of the data and look like none: each lies on an axis of rotated coordinates, the direction along which the
    rows :math:`z = (x,\, y / \operatorname{sd}(y))` are longest in all (then longest in what is left, and so on), and is itself as
    long as all of them together there. Of all sets of m points they have the nearest second moments :math:`\sum_i w_i z_i z_i^\top`
    in Frobenius norm (Eckart and Young 1936); whatever else the data say is lost.

    That serves learners which see the data through these moments alone: linear ones with squared loss and without intercept, such
    as :class:`~ddlib.tasks.RidgeTask` or kernel ridge with ``Linear()``, which lose nothing with d + 1 rows (d + C with class
    labels). More are never given, whatever the budget. For every other learner (an intercept, a network, a tree, neighbours) the
    rows mean little: a row and its negative are the same to the moments, so that an image may come with its brightness reversed,
    and the largest entry of a label names no class. There :class:`~ddlib.methods.KMeans` summarises the rows and
    :class:`~ddlib.methods.KCenter` chooses among them, both class by class.

    >>> from ddlib import distil, regret
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task, method = RidgeTask(as_data([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 5.0])), TruncatedSVD()
    >>> chosen = distil(method, task, budget=10, steps=0, generator=torch.Generator()).distilled
    >>> chosen.budget, bool(method.surrogate(task, chosen) < 1e-9), bool(regret(task, task.fit(chosen)) < 1e-9)
    (2, True, True)
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
