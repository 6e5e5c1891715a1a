"""k-center: real rows such that no row of the data is far from all of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.methods.joined import joined, nearest, real_rows, to_nearest, within_classes
from ddlib.methods.needs import COMPLETE, PLAIN_LABELS
from ddlib.problem import ClosedForm, Distilled, Task
from ddlib.requirement import Requirement

__all__ = ["KCenter"]


@dataclass(frozen=True)
class KCenter(ClosedForm):
    r"""Rows of D, each the farthest from those before it; the first is random.

    .. math:: i_t = \operatorname*{argmax}_i \min_{s<t} \|z_i - z_{i_s}\|, \qquad z_i = (x_i,\, y_i / \operatorname{sd}(y))

    The covering radius :math:`\max_i \min_t \|z_i - z_{i_t}\|` is at most twice the least that m points can have (Gonzalez 1985;
    for coresets Sener and Savarese 2018). With class labels the budget is split evenly and each class is covered by its own rows.

    Attributes:
        weighted: give each centre the summed weight of the rows nearest to it, of its own class, instead of weight one.

    >>> from ddlib import distil
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data([[0.0], [1.0], [2.0], [10.0]], [0.0, 0.0, 0.0, 0.0]))
    >>> distil(KCenter(), task, 2, 0, torch.Generator().manual_seed(0)).distilled.x.max().item()
    10.0
    """

    name: str = "k_center"
    weighted: bool = False

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

        def cover(w: Float[Tensor, "R n"], count: int) -> Distilled:
            pick = _spread(rows, w, count, generator)
            chosen = real_rows(data, pick)
            if not self.weighted:
                return chosen
            owner = nearest(rows, rows.take_along_dim(pick.unsqueeze(-1), -2))
            return chosen._replace(w=torch.zeros_like(chosen.w).scatter_add(-1, owner, w))

        return within_classes(data, budget, cover, "centres")

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, " R"]:
        r"""The covering radius :math:`\max_i \min_j \|z_i - s_j\|` over rows of D of positive weight and all rows of S."""
        data = task.train
        return to_nearest(data, distilled).norm(dim=-1).masked_fill(data.w <= 0, 0.0).amax(-1)


def _spread(rows: Float[Tensor, "R n k"], w: Float[Tensor, "R n"], count: int, generator: torch.Generator) -> Int[Tensor, "R m"]:
    """The rows of positive weight to take, in order; none twice, even where rows are equal."""
    far = torch.rand(w.shape, generator=generator, device=generator.device, dtype=w.dtype).to(w.device)
    free, distance, taken = w > 0, torch.full_like(w, torch.inf), []
    for _ in range(count):
        pick = far.masked_fill(~free, -1.0).argmax(-1, keepdim=True)
        free = free.scatter(-1, pick, False)
        far = distance = torch.minimum(distance, (rows - rows.take_along_dim(pick.unsqueeze(-1), -2)).norm(dim=-1))
        taken.append(pick)
    return torch.cat(taken, -1)
