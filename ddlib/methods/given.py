"""A set that is there already: what another method begins at, or is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ddlib.problem import ClosedForm, Distilled, Task
from ddlib.requirement import Requirement

__all__ = ["ROOM", "Given"]


@dataclass(frozen=True, eq=False)
class Given(ClosedForm):
    """A set that is there already.

    Attributes:
        distilled: the set.
        name: how tables call the method.

    >>> from ddlib import distil
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> rows = as_data([[1.0]], [2.0])
    >>> task = RidgeTask(as_data([[1.0], [2.0], [3.0]], [1.0, 2.0, 4.0]))
    >>> distil(Given(rows), task, 1, 0, torch.Generator()).distilled is rows
    True
    """

    distilled: Distilled
    name: str = "given"

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """The budget of the set, and data of its shapes."""
        return (ROOM,)

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        """The set.

        Raises:
            ValueError: if its budget is another, or its shapes are not those of the task's training data.
        """
        against = _against(self.distilled, task, budget)
        if against is not None:
            raise ROOM.refusal(task.name, against)
        return self.distilled


def _shapes(data: Distilled) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """How many replicates there are, and the shapes of a unit and of a label."""
    axes = data.w.ndim
    return data.replicates, tuple(data.x.shape[axes:]), tuple(data.y.shape[axes:])


def _against(given: Distilled, task: Task, budget: int) -> str | None:
    """What speaks against the set here."""
    if given.budget != budget:
        return f"it has {given.budget} units, but the budget is {budget}"
    ours, theirs = _shapes(given), _shapes(task.train)
    if ours != theirs:
        kinds = "{} replicates of units of shape {} with labels of shape {}"
        return f"it has {kinds.format(*ours)}, but the training data have {kinds.format(*theirs)}"
    return None


def _fits(method: Any, task: Task, budget: int) -> bool:
    return _against(method.distilled, task, budget) is None


ROOM = Requirement("room for the given set", _fits, "give a set of the task's own shapes and budget")
"""The budget of a given set, and training data of as many replicates and of the same units and labels."""
