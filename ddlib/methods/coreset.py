"""Real rows as the distilled set."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ddlib.problem import ClosedForm, Distilled, Task


@dataclass(frozen=True)
class RandomRows(ClosedForm):
    """Units of the training data, drawn without replacement: the baseline that every method has to beat."""

    name: str = "random"

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        return task.start(budget, generator)
