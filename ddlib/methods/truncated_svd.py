"""The best low-rank summary of the data, whatever the task."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ddlib.methods.quantise import label_scale
from ddlib.problem import ClosedForm, Distilled, Task


@dataclass(frozen=True)
class TruncatedSVD(ClosedForm):
    r"""The first m rows of :math:`\Sigma V^\top` in the singular value decomposition of :math:`[X\ \ y/\operatorname{sd}(y)]`.

    Of all sets of m points these have the nearest second moments in Frobenius norm (Eckart and Young 1936). At most d + 1 rows.
    """

    name: str = "truncated_svd"

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        data = task.train
        scale = label_scale(data)
        joined = torch.cat([data.x, (data.y / scale).unsqueeze(-1)], -1) * data.w.sqrt().unsqueeze(-1)
        _, singular, basis = torch.linalg.svd(joined, full_matrices=False)
        rows = (singular.unsqueeze(-1) * basis)[..., :budget, :]
        return Distilled(rows[..., :-1], rows[..., -1] * scale, torch.ones_like(rows[..., 0]))
