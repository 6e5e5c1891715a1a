"""What several methods need of a task: of its training data, and that its learner learns from the set at hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import instance, one_each
from ddlib.problem import ClosedForm, Distilled, Task
from ddlib.protocols import Learner, Minibatched, Parametric
from ddlib.requirement import Requirement

__all__ = ["COMPLETE", "LABELS", "LEARNABLE", "ROWS", "batched", "first_set", "held", "judged", "learned", "shown"]


def first_set(begin: ClosedForm | None, task: Task, budget: int, generator: torch.Generator) -> Distilled:
    """Where an iterative method begins: at the task's own start, or at the set of ``begin``.

    >>> from ddlib.methods import RandomRows
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(4), torch.ones(4)))
    >>> first_set(RandomRows(), task, 2, torch.Generator().manual_seed(0)).budget
    2
    """
    return task.start(budget, generator) if begin is None else begin.choose(task, budget, generator)


def batched(task: Task, size: int | None, generator: torch.Generator) -> Task:
    """The task on a batch of its training data; without a size, as it is.

    Raises:
        TypeError: if the task cannot stand on some of its units.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> batched(RidgeTask(as_data(torch.eye(4), torch.ones(4))), 3, torch.Generator().manual_seed(0)).train.budget
    3
    """
    if size is None:
        return task
    if not isinstance(task, Minibatched):
        raise TypeError(f"{task.name} has no minibatch(size, generator): leave the batch out, or give the task that method")
    return task.minibatch(size, generator)


def held(task: Task, size: int | None, generator: torch.Generator) -> Task:
    """A task whose training data are held: the task, or a batch of one whose data are read as they are needed (``streamed``).

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> held(RidgeTask(as_data(torch.eye(4), torch.ones(4))), 3, torch.Generator().manual_seed(0)).train.budget
    4
    """
    return batched(task, size, generator) if getattr(task, "streamed", False) else task


def check_network(network: object) -> None:
    """Refuse what is no network; that of a learner is its ``network``.

    >>> from ddlib.learners import Network
    >>> check_network(Network())
    """
    otherwise = "write Network((64,)), or learner.network of a ModuleLearner"
    instance(network, ("initial", "features", "loss", "predict", "weights"), "the network of a matching method", otherwise)


def several(data: Distilled, count: int) -> Distilled:
    """Data for several functions of each replicate, along an axis in front; nothing is copied.

    >>> several(Distilled(torch.zeros(2, 5, 3), torch.zeros(2, 5), torch.ones(2, 5)), 4).w.shape
    torch.Size([4, 2, 5])
    """
    return Distilled(*(part.expand(count, *part.shape) for part in data))


def shown(network: Parametric | Learner, data: Distilled) -> Distilled:
    """Data as a network or a learner takes them: as rows of numbers, unless it takes units of any shape (``any_shape``).

    >>> from ddlib.learners import Network
    >>> shown(Network(), Distilled(torch.zeros(1, 5, 28, 28), torch.zeros(1, 5), torch.ones(1, 5))).x.shape
    torch.Size([1, 5, 784])
    """
    return data if getattr(network, "any_shape", False) else data.rows()


def learned(task: Task, distilled: Distilled, generator: torch.Generator) -> Any:
    """The model learned from a set.

    Raises:
        ValueError: if the learner refuses the set; it says why.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(2), torch.ones(2)))
    >>> torch.equal(learned(task, task.train, torch.Generator()), task.reference)
    True
    """
    try:
        return task.fit(distilled, generator)
    except ValueError as error:
        raise LEARNABLE.refusal(task.name, str(error)) from error


def judged(
    task: Task, risk: Callable[[Any], Float[Tensor, "*R"]], sets: Distilled, generator: torch.Generator
) -> Float[Tensor, "*R"]:
    """The risk of the model learned from each set, along all axes in front of their units.

    Raises:
        ValueError: if the learner refuses the sets, or the risk is not one number for each.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(2), torch.ones(2)))
    >>> judged(task, task.risk, task.train, torch.Generator()).shape
    torch.Size([1])
    """
    risks = risk(learned(task, sets, generator))
    one_each(risks, sets.w.shape[:-1], f"the risk of {task.name}")
    return risks


def _complete(method: Any, task: Task, budget: int) -> bool:
    return all(bool(part.isfinite().all()) for part in task.train)


def _labelled(method: Any, task: Task, budget: int) -> bool:
    data = task.train
    return data.y.ndim == data.w.ndim or data.y.shape[-1] > 0


def _plain(method: Any, task: Task, budget: int) -> bool:
    return not task.train.label.numel() > 1 or getattr(task, "of_classes", True)


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
LABELS = Requirement("labels", _labelled)
"""Labels to predict: scalar, or of one column and more."""
PLAIN_LABELS = Requirement("labels that are classes or one number", _plain, "choose a method that does not go class by class")
"""Labels of one number, or rows of which the largest entry is the class: several numbers or yes-or-no answers are neither."""
ROWS = (LABELS, COMPLETE)
"""Complete units with labels: what training a network or a kernel on D takes."""
LEARNABLE = Requirement("model of this set", _learnable, "raise the budget")
"""The learner learns from the set that the method begins at; asked of methods that have a ``begin``."""
