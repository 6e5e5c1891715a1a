"""Early stopping: the number of updates of any iterative method is chosen by units that were held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.methods.composed import Composed, Outcome, pick
from ddlib.problem import Distilled, Method, Task, distil
from ddlib.protocols import Resampled
from ddlib.requirement import Requirement, inherited

__all__ = ["FOLDS", "EarlyStopped", "EarlyStoppedInfo"]


class EarlyStoppedInfo(NamedTuple):
    """What the held-out units said.

    Attributes:
        surrogate: the held-out risk at the stop that was chosen.
        updates: the stop that was chosen.
        held_out: the held-out risk at every stop.

    >>> EarlyStoppedInfo(torch.tensor([0.5]), torch.tensor([10]), torch.tensor([[0.7], [0.5]])).updates
    tensor([10])
    """

    surrogate: Float[Tensor, " R"]
    updates: Int[Tensor, " R"]
    held_out: Float[Tensor, "s R"]


@dataclass(frozen=True)
class EarlyStopped(Composed):
    r"""Of a method's iterates on all training data, the one whose number of updates held-out units like best, per replicate:

    .. math:: t^* = \arg\min_{t \in \mathcal{T}} \frac{1}{K} \sum_{k=1}^{K} R_{D_k}\bigl(A(S_t^{-k})\bigr),

    where :math:`S_t^{-k}` is the method's iterate after t updates on the task without its fold :math:`D_k` of the training units.
    The task makes the folds (:class:`ddlib.protocols.Resampled`): K that take turns, cross-validation (Stone 1974), or a single
    one. A stop whose held-out risk is not finite in some fold is not chosen.

    Attributes:
        method: what takes the updates.
        stops: the numbers of updates to choose from, in ascending order.
        share: of the training units that a fold holds.
        paired: begin each fold with the random draws of the run on all units; otherwise each has draws of its own, from seeds that
            follow the generator's first.
        name: how tables call the method.

    >>> from ddlib.learners import KernelRidge
    >>> from ddlib.methods import FirstOrder
    >>> from ddlib.protocols import Fold
    >>> from ddlib.tasks import RegressionTask, Splits, split
    >>> class Halves(RegressionTask):
    ...     def held_out(self, share):
    ...         ours, theirs = (Distilled(*(part[:, start::2] for part in self.train)) for start in (0, 1))
    ...         return [Fold(RegressionTask(Splits(ours, theirs, theirs), self.learner), "validation")]
    >>> task = Halves(split(torch.eye(12), torch.arange(12.0), (6, 3, 3), 2, torch.Generator().manual_seed(0)), KernelRidge())
    >>> chosen, (info,) = distil(EarlyStopped(FirstOrder(), stops=(0, 3, 6)), task, 2, 1, torch.Generator().manual_seed(0))
    >>> info.updates.shape, info.held_out.shape
    (torch.Size([2]), torch.Size([3, 2]))
    """

    method: Method
    stops: tuple[int, ...]
    share: float = 0.2
    paired: bool = False
    name: str = "early_stopped"

    def __post_init__(self) -> None:
        if not self.stops or self.stops[0] < 0 or list(self.stops) != sorted(set(self.stops)):
            raise ValueError(f"the stops must be ascending numbers of updates of at least 0, but they are {self.stops}")
        if not 0 < self.share < 1:
            raise ValueError(f"the share of units to hold out must be between 0 and 1, but it is {self.share}")

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """Units that can be held out, and what ``method`` requires."""
        return (FOLDS, *inherited(self.method))

    def run(self, task: Task, budget: int, generator: torch.Generator) -> Outcome:
        """Choose the number of updates on the folds, then take them on all units.

        Raises:
            TypeError: if the task cannot hold out units of its training data.
        """
        if not isinstance(task, Resampled):
            raise FOLDS.refusal(task.name)
        risks = []
        for number, fold in enumerate(task.held_out(self.share)):
            path = self._path(fold.task, budget, self._draws(generator, number))
            risks.append(torch.stack([fold.task.risk(fold.task.fit(iterate), fold.split).detach() for iterate in path]))
        held_out = torch.stack(risks).mean(0)
        least = torch.where(held_out.isfinite(), held_out, torch.inf).min(0)
        updates = torch.tensor(self.stops, device=held_out.device)[least.indices]
        path = self._path(task, budget, generator)
        return Outcome(pick(path, least.indices), EarlyStoppedInfo(least.values, updates, held_out))

    def _draws(self, generator: torch.Generator, number: int) -> torch.Generator:
        if self.paired:
            return generator.clone_state()
        return torch.Generator(generator.device).manual_seed(generator.initial_seed() + number + 1)

    def _path(self, task: Task, budget: int, generator: torch.Generator) -> list[Distilled]:
        """The iterate at each stop."""
        path: list[Distilled] = []

        def watch(step: int, iterate: Distilled, surrogate: Tensor | None) -> None:
            if step in self.stops:
                path.append(iterate)

        distil(self.method, task, budget, self.stops[-1], generator, watch)
        return path


def _resampled(method: Any, task: Task, budget: int) -> bool:
    return isinstance(task, Resampled)


FOLDS = Requirement("method held_out", _resampled, "give it one, or choose a method that holds out no units", TypeError)
"""A task that can hold out units of its training data: see :class:`~ddlib.protocols.Resampled`."""
