"""A task for another number of sets side by side, as comparing many sets takes it."""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from typing import Any

from ddlib.problem import Distilled, Task

__all__ = ["serves_many", "serving", "singly"]


def serves_many(task: Task) -> bool:
    """Whether the task can serve any number of sets side by side; one that cannot may say so by ``serves = False``.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> serves_many(RidgeTask(as_data([[1.0]], [1.0])))
    True
    """
    able = hasattr(task, "serving") or (hasattr(task, "replicates") and is_dataclass(task))
    return able and getattr(task, "serves", True)


def serving(task: Task, replicates: int) -> Any:
    """The task for another number of sets side by side.

    Raises:
        ValueError: if the task cannot serve them.

    >>> import torch
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> serving(RidgeTask(as_data(torch.eye(2), torch.ones(2))), 5).train.replicates
    5
    """
    if hasattr(task, "serving"):
        return task.serving(replicates)
    if not serves_many(task):
        raise ValueError(f"{task.name} has a fixed number of replicates: compare methods on a task whose data serve any number")
    return replace(task, replicates=replicates)  # type: ignore[type-var]


def singly(task: Task, sets: Distilled) -> list[Distilled]:
    """The sets one by one, for a task that serves one at a time.

    Raises:
        ValueError: if the task's data have several replicates.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> data = as_data([[1.0], [2.0]], [1.0, 2.0])
    >>> [one.replicates for one in singly(RidgeTask(data), Distilled(*(part.expand(3, *part.shape[1:]) for part in data)))]
    [1, 1, 1]
    """
    if task.train.replicates != 1:
        raise ValueError(f"{task.name} has {task.train.replicates} replicates: sets are compared on a task whose data have one")
    return [Distilled(*(part[number : number + 1] for part in sets)) for number in range(sets.replicates)]
