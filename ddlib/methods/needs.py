"""What several methods need of a task: of its training data, and that its learner learns from the set at hand."""

from __future__ import annotations

from typing import Any

import torch

from ddlib.problem import ClosedForm, Distilled, Task
from ddlib.requirement import Requirement


def first_set(begin: ClosedForm | None, task: Task, budget: int, generator: torch.Generator) -> Distilled:
    """Where an iterative method begins: at the task's own start, or at the set of ``begin``."""
    return task.start(budget, generator) if begin is None else begin.choose(task, budget, generator)


def learned(task: Task, distilled: Distilled, generator: torch.Generator) -> Any:
    """The model learned from a set.

    Raises:
        ValueError: if the learner refuses the set; it says why.
    """
    try:
        return task.fit(distilled, generator)
    except ValueError as error:
        raise LEARNABLE.refusal(task.name, str(error)) from error


def _complete(method: Any, task: Task, budget: int) -> bool:
    return all(bool(part.isfinite().all()) for part in task.train)


def _flat(method: Any, task: Task, budget: int) -> bool:
    return task.train.x.ndim == task.train.w.ndim + 1


def _labelled(method: Any, task: Task, budget: int) -> bool:
    data = task.train
    return data.y.ndim == data.w.ndim or data.y.shape[-1] > 0


def _learnable(method: Any, task: Task, budget: int) -> bool:
    if not LEARNABLE.all_before(method, task, budget):
        return False
    generator = torch.Generator(task.train.w.device).manual_seed(0)
    try:
        with torch.no_grad():
            learned(task, first_set(method.begin, task, budget, generator), generator)
    except ValueError:
        return False
    return True


COMPLETE = Requirement("complete training data", _complete, "fill in what is hidden, or choose a method that needs only its start")
"""Training data without NaN or infinity: a method that looks at rows cannot look past hidden entries."""
FLAT = Requirement("units that are rows of numbers", _flat, "flatten them, or choose a method that takes any units")
"""Units of one axis, as networks and kernels take them."""
LABELS = Requirement("labels", _labelled)
"""Labels to predict: scalar, or of one column and more."""
ROWS = (FLAT, LABELS, COMPLETE)
"""Complete rows with labels: what training a network or a kernel on D takes."""
LEARNABLE = Requirement("model of this set", _learnable, "raise the budget")
"""The learner learns from the set that the method begins at; asked of methods that have a ``begin``."""
