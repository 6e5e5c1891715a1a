"""Real rows as the distilled set."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ddlib.problem import ClosedForm, Distilled, Task

__all__ = ["RandomRows"]


@dataclass(frozen=True)
class RandomRows(ClosedForm):
    """Units of the training data, drawn without replacement: the baseline that every method has to beat.

    >>> from ddlib import distil
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(4), torch.arange(4.0)))
    >>> chosen, _ = distil(RandomRows(), task, 2, 0, torch.Generator().manual_seed(0))
    >>> chosen.x.shape, chosen.w
    (torch.Size([1, 2, 4]), tensor([[1., 1.]]))
    """

    name: str = "random"

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        return task.start(budget, generator)
