"""What methods that are made for the merge need of a task: that it is one, and the budget to carry an estimate."""

from __future__ import annotations

from typing import Any

from ddlib.dbn.methods.sufficient import trajectories_needed
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.problem import Task
from ddlib.requirement import Requirement

__all__ = ["CARRIER", "SOURCES", "merge"]


def merge(task: Task) -> MergeTask:
    """The task, if it is a merge.

    Raises:
        TypeError: if it is not.

    >>> import torch
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> merge(RidgeTask(as_data(torch.eye(2), torch.ones(2))))
    Traceback (most recent call last):
        ...
    TypeError: ridge has no sources to merge: state it as a MergeTask, or choose a method for any task
    """
    if not isinstance(task, MergeTask):
        raise SOURCES.refusal(task.name)
    return task


def _is_merge(method: Any, task: Task, budget: int) -> bool:
    return isinstance(task, MergeTask)


def _carries(method: Any, task: Task, budget: int) -> bool:
    return isinstance(task, MergeTask) and budget >= trajectories_needed(task.graph)


SOURCES = Requirement("sources to merge", _is_merge, "state it as a MergeTask, or choose a method for any task", TypeError)
"""A :class:`~ddlib.dbn.task.merge_task.MergeTask`."""
CARRIER = Requirement("trajectories that carry an estimate exactly at this budget", _carries, "raise the budget")
"""A budget of at least :func:`~ddlib.dbn.methods.sufficient.trajectories_needed`."""
