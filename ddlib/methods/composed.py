"""Methods that are made of whole runs of other methods, and the choice among such runs' sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import torch
from jaxtyping import Int
from torch import Tensor

from ddlib.arguments import not_given
from ddlib.problem import ClosedForm, Distilled, Task

__all__ = ["Composed", "Outcome", "pick"]

Candidate = TypeVar("Candidate", bound=tuple[Any, ...])
"""A NamedTuple of tensors with a leading replicate axis: a distilled set, or a model."""


class Outcome(NamedTuple):
    """What the runs came to.

    Attributes:
        distilled: the set, finished.
        info: what a person wants to see of the runs; its ``surrogate`` is what the set was chosen by, shape (R,).
        method: the class of the method.

    >>> Outcome(Distilled(torch.zeros(1, 2, 3), torch.zeros(1, 2), torch.ones(1, 2)), info=None).distilled.budget
    2
    """

    distilled: Distilled
    info: Any
    method: str = ""


class Composed(ClosedForm):
    """Base of the methods that are made of whole runs of others: a subclass gives ``name`` and ``run``.

    They finish in ``init``. An update changes nothing and hands out the info, so ``distil`` with one step returns both.

    >>> from ddlib.problem import Info
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> class RowsAsRun(Composed):
    ...     def run(self, task, budget, generator):
    ...         rows = task.start(budget, generator)
    ...         return Outcome(rows, Info(task.risk(task.fit(rows))))
    >>> RowsAsRun().choose(RidgeTask(as_data(torch.eye(3), torch.ones(3))), 2, torch.Generator().manual_seed(0)).budget
    2
    """

    def run(self, task: Task, budget: int, generator: torch.Generator) -> Outcome:
        """All runs, and what they came to."""
        raise not_given(self, "run(task, budget, generator)")

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        """The set that the runs came to."""
        return self.run(task, budget, generator).distilled

    def init(self, task: Task, budget: int, generator: torch.Generator) -> Any:
        """All runs."""
        return self.run(task, budget, generator)._replace(method=type(self).__name__)

    def update(self, task: Task, state: Any, generator: torch.Generator) -> tuple[Any, Any]:
        """The state as it is, and its info."""
        return state, state.info


def pick(candidates: Sequence[Candidate], choice: Int[Tensor, " R"]) -> Candidate:
    """Each replicate's candidate, of distilled sets or of models.

    >>> sets = [Distilled(torch.full((2, 1, 1), x), torch.zeros(2, 1), torch.ones(2, 1)) for x in (0.0, 1.0)]
    >>> pick(sets, torch.tensor([1, 0])).x.flatten()
    tensor([1., 0.])
    """
    replicate = torch.arange(len(choice), device=choice.device)
    return type(candidates[0])(*(torch.stack(values)[choice, replicate] for values in zip(*candidates, strict=True)))
