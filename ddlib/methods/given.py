"""A set that is there already: what another method begins at, or is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ddlib.problem import ClosedForm, Distilled, Task


@dataclass(frozen=True, eq=False)
class Given(ClosedForm):
    """A set that is there already.

    Attributes:
        distilled: the set.
        name: how tables call the method.
    """

    distilled: Distilled
    name: str = "given"

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        """The set.

        Raises:
            ValueError: if its budget is another.
        """
        if self.distilled.budget != budget:
            raise ValueError(f"the given set has {self.distilled.budget} units, but the budget is {budget}")
        return self.distilled
