"""One distilled set for several tasks: other learners, losses or labels of the same units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import check_task, same_units
from ddlib.problem import Block, Distilled, Split, Task, whole_set
from ddlib.protocols import Minibatched, Optimised
from ddlib.serving import serves_many, serving

__all__ = ["JointTask"]


@dataclass(frozen=True, eq=False)
class JointTask:
    r"""A set that several tasks learn from, each with its own learner.

    .. math:: R(A_1(S), \dots, A_K(S)) = \sum_k v_k R_k(A_k(S))

    Methods that look at data see those of the first task; the others' have units and labels of the same shapes, and as many
    replicates. A model is the tuple of all models. Risks are added as they are: where their units differ, as an error rate and a
    squared error do, choose the weights accordingly. ``risk`` adds risks; what methods descend adds the tasks' own
    (:meth:`blocks`), which for supervised tasks is the training loss.

    Attributes:
        tasks: a tuple of one or more.
        weights: :math:`v_k \ge 0`, one for each task; None: 1/K each, which is the mean.
        name: how tables call it.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> data = as_data([[1.0], [2.0], [3.0]], [1.0, 2.0, 4.0])
    >>> joint = JointTask((RidgeTask(data, penalties=(0.0,)), RidgeTask(data, penalties=(5.0,))))
    >>> len(joint.fit(data)), joint.risk(joint.reference).shape
    (2, torch.Size([1]))
    """

    tasks: tuple[Task, ...]
    weights: tuple[float, ...] | None = None
    name: str = "joint"

    def __post_init__(self) -> None:
        if not isinstance(self.tasks, tuple | list) or not self.tasks:
            raise TypeError("a joint task is made of a tuple of one task or more: write JointTask((first, second))")
        for task in self.tasks:
            check_task(task)
            if getattr(task, "streamed", False):
                raise TypeError(
                    f"{task.name} reads its data as they are needed, but a joint task holds them: give a ClassificationTask or a "
                    "RegressionTask"
                )
            same_units(task.train, self.train, self.tasks[0].name)
            if task.train.replicates != self.train.replicates:
                raise ValueError(
                    f"{task.name} has {task.train.replicates} replicates, but {self.tasks[0].name} "
                    f"{self.train.replicates}: make them alike"
                )
        given = self.weights
        if given is not None and (len(given) != len(self.tasks) or min(given) < 0 or not 0 < sum(given) < float("inf")):
            raise ValueError(f"{len(self.tasks)} tasks need as many weights of 0 or more, not all 0, but they are {given}")

    @property
    def train(self) -> Distilled:
        """D of the first task."""
        return self.tasks[0].train

    @property
    def serves(self) -> bool:
        """Whether all tasks can serve any number of sets side by side."""
        return all(map(serves_many, self.tasks))

    @property
    def of_classes(self) -> bool:
        """Whether rows of labels are classes."""
        return all(getattr(task, "of_classes", True) for task in self.tasks)

    @property
    def deterministic(self) -> bool:
        """Whether no learner draws anything."""
        return all(getattr(task, "deterministic", False) for task in self.tasks)

    @cached_property
    def reference(self) -> tuple[Any, ...]:
        """The tasks' own references."""
        return tuple(task.reference for task in self.tasks)

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        """That of the first task."""
        return self.tasks[0].start(budget, generator)

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> tuple[Any, ...]:
        """All models."""
        return tuple(task.fit(distilled, generator) for task in self.tasks)

    def risk(self, model: Any, split: Split = "train") -> Float[Tensor, " R"]:
        """The weighted sum of the tasks' risks on a split."""
        return self._sum([task.risk(part, split) for task, part in zip(self.tasks, self._models(model), strict=True)])

    def blocks(self, distilled: Distilled) -> Sequence[Block]:
        """One block: the whole set, with the weighted sum of the mean risks of the tasks' blocks."""

        def risk(model: Any) -> Tensor:
            parts = zip(self.tasks, self._models(model), strict=True)
            risks = [torch.stack([b.risk(part) for b in task.blocks(distilled)]).mean(0) for task, part in parts]
            if any(part.requires_grad for part in distilled) and not all(one.requires_grad for one in risks):
                without = next(task.name for task, one in zip(self.tasks, risks, strict=True) if not one.requires_grad)
                raise ValueError(
                    f"{without} has no gradient, so that {self.name} would be led by the others alone: choose ZerothOrder()"
                )
            return self._sum(risks)

        return [whole_set(self, distilled)[0]._replace(risk=risk)]

    def serving(self, replicates: int) -> JointTask:
        """The tasks for another number of sets side by side.

        Raises:
            ValueError: if one of them cannot serve several.
        """
        for task in self.tasks:
            if not serves_many(task):
                raise ValueError(
                    f"{task.name} has a fixed number of replicates, so that {self.name} cannot serve {replicates} sets side by "
                    "side: leave it out, or compare the sets one by one"
                )
        return JointTask(tuple(serving(task, replicates) for task in self.tasks), self.weights, self.name)

    def minibatch(self, size: int, generator: torch.Generator) -> JointTask:
        """Each task on some of its training units.

        Raises:
            TypeError: if a task cannot stand on some of them.
        """
        for task in self.tasks:
            if not isinstance(task, Minibatched):
                raise TypeError(f"{task.name} has no minibatch(size, generator): leave the batch out, or give it one")
        return JointTask(tuple(task.minibatch(size, generator) for task in self.tasks), self.weights, self.name)  # type: ignore[attr-defined]

    def initial(self, generator: torch.Generator) -> Float[Tensor, "R P"]:
        """The tasks' initial models as one vector, for methods that train on S.

        Raises:
            ValueError: if a learner minimises nothing that it could name, or its model is no tensor.
        """
        parts = [self._optimised(task).initial(generator) for task in self.tasks]
        if not all(isinstance(part, Tensor) for part in parts):
            raise ValueError(f"the models of {self.name} are not all tensors: choose a method that needs no objective")
        return torch.cat([part.reshape(len(part), -1) for part in parts], 1)

    def objective(self, model: Float[Tensor, "R P"], distilled: Distilled) -> Float[Tensor, " R"]:
        """The sum of what the learners minimise: each part of the vector has the slope of its own learner's objective."""
        parts = zip(self.tasks, self._models(model), strict=True)
        return torch.stack([self._optimised(task).objective(part, distilled) for task, part in parts]).sum(0)

    def _models(self, model: Any) -> Sequence[Any]:
        """A model as one for each task."""
        if not isinstance(model, Tensor):
            return list(model)
        shapes = [reference.shape[1:] for reference in self.reference]
        parts = model.split([shape.numel() for shape in shapes], -1)
        return [part.unflatten(-1, shape) if len(shape) > 1 else part for part, shape in zip(parts, shapes, strict=True)]

    def _optimised(self, task: Any) -> Optimised:
        if not isinstance(task, Optimised):
            raise ValueError(f"{task.name} minimises no objective: choose a method that needs none")
        return task

    def _sum(self, risks: list[Tensor]) -> Float[Tensor, " R"]:
        weights = self.weights or (1 / len(self.tasks),) * len(self.tasks)
        return torch.stack([weight * risk for weight, risk in zip(weights, risks, strict=True)]).sum(0)
