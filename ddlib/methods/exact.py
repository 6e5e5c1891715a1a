"""The method that asks a task for its own exact set.

The sets themselves are facts about tasks and stand with them (``construct`` in the files of :mod:`ddlib.tasks`), their linear
algebra in :mod:`ddlib.closed_forms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ddlib.problem import ClosedForm, Distilled, Task
from ddlib.protocols import Constructible
from ddlib.requirement import Requirement

__all__ = ["CONSTRUCTION", "Exact", "construct", "is_exact"]


@dataclass(frozen=True)
class Exact(ClosedForm):
    """The closed form that the task itself knows at this budget: see :class:`~ddlib.protocols.Constructible`.

    >>> from ddlib import distil, regret
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data([[1.0], [2.0], [3.0]], [1.0, 2.0, 4.0]), penalties=(1.0,))
    >>> chosen, _ = distil(Exact(), task, 1, 0, torch.Generator().manual_seed(0))
    >>> bool(regret(task, task.fit(chosen)) < 1e-9)
    True
    """

    name: str = "exact"

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """A closed form at this budget."""
        return (CONSTRUCTION,)

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        return construct(task, budget)


def construct(task: Any, budget: int) -> Distilled:
    """An exact distilled set of at most ``budget`` units, if the task knows one.

    Raises:
        ValueError: if the budget is below one.
        NotImplementedError: if the task knows no closed form, or none for so few units.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> construct(RidgeTask(as_data([[1.0], [2.0], [3.0]], [1.0, 2.0, 4.0])), 1).budget
    1
    """
    if budget < 1:
        raise ValueError(f"an exact set needs a budget of at least 1 unit, but the budget is {budget}")
    if not isinstance(task, Constructible):
        raise NotImplementedError(f"no exact construction is known for {type(task).__name__}: use an iterative method")
    return task.construct(budget)


def is_exact(task: Any, budget: int) -> bool:
    """Whether :func:`construct` serves the task with zero regret at this budget.

    >>> from ddlib.tasks import LeastAbsoluteTask, as_data
    >>> is_exact(LeastAbsoluteTask(as_data([[1.0], [2.0], [3.0]], [1.0, 2.0, 4.0])), 1)
    True
    """
    return isinstance(task, Constructible) and task.is_exact(budget)


def _known(method: Any, task: Task, budget: int) -> bool:
    try:
        construct(task, budget)
    except NotImplementedError:
        return False
    return True


CONSTRUCTION = Requirement("exact construction", _known, "use an iterative method", NotImplementedError)
"""A closed form, exact or not, at this budget."""
