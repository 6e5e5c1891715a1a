"""The part that is common to tasks whose deployment law is the empirical law of their own data."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import not_given
from ddlib.minibatches import drawn
from ddlib.problem import Block, Distilled, Split, whole_set
from ddlib.tasks.arrays import numbers
from ddlib.tasks.splits import known_split, random_rows

__all__ = ["EmpiricalTask", "as_data", "checked"]


def as_data(x: Any, y: Any) -> Distilled:
    """One data set as a :class:`~ddlib.problem.Distilled` with one replicate and weights of one, for tasks judged on D itself.

    Tasks that are judged on new cases, such as :class:`~ddlib.tasks.ClassificationTask`, take :func:`~ddlib.tasks.split` instead.
    Weights of one's own, shape (n,), are given by ``as_data(x, y)._replace(w=w[None])``.

    Args:
        x: n units of any shape, first axis n: a tensor, a NumPy array, a pandas table or lists; whole numbers (pixels) become
            float64.
        y: their labels, numbers or rows (:func:`~ddlib.tasks.class_labels` for classes); they get the type of x.

    Raises:
        ValueError: if the shapes do not fit, there is no row, or a value is not finite.
        TypeError: if a value is no number.

    >>> as_data([[1, 2], [3, 4], [5, 6]], [0, 1, 1]).x.shape
    torch.Size([1, 3, 2])
    """
    x = numbers(x, "x")
    y = numbers(y, "y", like=x)
    if x.ndim < 2 or y.ndim < 1 or y.shape[:1] != x.shape[:1] or x.shape[0] == 0:
        raise ValueError(
            f"units of shape (n, ...) and labels of shape (n,) or (n, C) are needed, but got {tuple(x.shape)} and "
            f"{tuple(y.shape)}: give a single column as x[:, None]"
        )
    return checked(Distilled(x[None], y[None], x.new_ones(1, len(x))))


def checked(data: Distilled, whose: str = "the task") -> Distilled:
    """The data, if a learner can learn from them.

    Raises:
        TypeError: if they are no data set.
        ValueError: if they are empty, hold something that is not finite, or have no positive weight.

    >>> checked(as_data([[1.0]], [2.0])).budget
    1
    """
    if not isinstance(data, Distilled):
        instead = "choose one of its parts, such as splits.train" if hasattr(data, "train") else "write as_data(x, y)"
        raise TypeError(f"{whose} needs one data set, a Distilled, but got a {type(data).__name__}: {instead}")
    if data.w.ndim != 2 or data.x.shape[:2] != data.w.shape or data.y.shape[:2] != data.w.shape:
        shapes = ", ".join(f"{name} {tuple(part.shape)}" for name, part in data._asdict().items())
        raise ValueError(f"data have replicates and units as their first two axes, but these have {shapes}: write as_data(x, y)")
    if len({part.dtype for part in data}) > 1 or not data.x.is_floating_point():
        kinds = ", ".join(f"{name} {part.dtype}" for name, part in data._asdict().items())
        raise TypeError(f"data are of one floating-point type, but these have {kinds}: write data.to(torch.float64)")
    if data.budget == 0:
        raise ValueError("the data have no rows: give at least one")
    if not all(bool(part.isfinite().all()) for part in data):
        raise ValueError("the data hold NaN or infinity: drop or impute these rows first")
    if bool((data.w < 0).any()) or not bool((data.w > 0).any(-1).all()):
        raise ValueError("the data's weights must be 0 or more, and not all of them 0: drop the rows whose weight is negative")
    return data


@dataclass(frozen=True, eq=False)
class EmpiricalTask:
    """A supervised task judged by its learner's own objective on the data D, so that regret is never negative.

    Every split is D itself: the question is what S keeps of D, not how well D predicts.

    Two tasks are equal only if they are the same object: tensors have no single answer to whether they are equal.

    Attributes:
        data: D, with one replicate that stands for all, or with R replicates of its own.
        replicates: R, how many sets are distilled side by side.

    >>> class MeanTask(EmpiricalTask):
    ...     def fit(self, distilled, generator=None):
    ...         return distilled.x.mean(-2)
    ...     def objective(self, model, distilled):
    ...         return (distilled.x - model.unsqueeze(-2)).square().sum((-2, -1))
    >>> MeanTask(as_data(torch.eye(2), torch.zeros(2))).reference
    tensor([[0.5000, 0.5000]])
    """

    data: Distilled
    replicates: int = 1
    name: str = "task"

    def __post_init__(self) -> None:
        checked(self.data, self.name)
        if not isinstance(self.replicates, Integral) or isinstance(self.replicates, bool):
            raise TypeError(
                "the second argument of a task on data is how many replicates it has, a whole number, but it is "
                f"{self.replicates!r}: give settings of the learner by their names"
            )
        if self.replicates < 1 or self.data.replicates not in (1, self.replicates):
            raise ValueError(
                f"data with {self.data.replicates} replicates cannot serve {self.replicates}: give 1, or as many as the task has"
            )

    @property
    def train(self) -> Distilled:
        """D, expanded to R replicates."""
        return Distilled(*(part.expand(self.replicates, *part.shape[1:]) for part in self.data))

    @cached_property
    def reference(self) -> Any:
        """The model learned from D."""
        whole = self.__dict__.get("whole")
        return self.fit(self.data) if whole is None else whole.reference

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Any:
        """The learner; a subclass gives it."""
        raise not_given(self, "fit(distilled, generator=None)")

    def objective(self, model: Any, distilled: Distilled) -> Float[Tensor, " R"]:
        """What the learner minimises, given a set; a subclass gives it."""
        raise not_given(self, "objective(model, distilled)")

    def risk(self, model: Any, split: Split = "train") -> Float[Tensor, " R"]:
        """The learner's own objective on D, which is every split.

        Raises:
            ValueError: if there is no such split.
        """
        known_split(split)
        if isinstance(model, Distilled):
            raise TypeError("a risk is that of a model, not of a set: write task.risk(task.fit(distilled))")
        return self.objective(model, self.data)

    def initial(self, generator: torch.Generator) -> Any:
        """The model that says nothing, all zeros: where iterative training begins."""
        reference = self.reference
        return torch.zeros_like(reference.expand(self.replicates, *reference.shape[1:]))

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        """Rows of D drawn without replacement, a fresh draw for each replicate.

        Raises:
            ValueError: if D has fewer rows than the budget asks for.
        """
        return random_rows(self.train, budget, generator, self.name)

    def minibatch(self, size: int, generator: torch.Generator) -> Self:
        """The same task on some of its rows, drawn with replacement, with weights that make the sums over them unbiased."""
        twin = copy.copy(self)
        twin.__dict__["data"] = drawn(self.train, size, generator)
        twin.__dict__["whole"] = self.__dict__.get("whole", self)
        return twin

    def blocks(self, distilled: Distilled) -> Sequence[Block]:
        """One block: the whole set, with the risk on D."""
        return whole_set(self, distilled)
