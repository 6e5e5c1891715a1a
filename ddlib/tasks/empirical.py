"""The part that is common to tasks whose deployment law is the empirical law of their own data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.problem import Block, Distilled, Split, whole_set
from ddlib.tasks.splits import random_rows


def as_data(x: Float[Tensor, "n d"], y: Float[Tensor, " n"]) -> Distilled:
    """One data set as a :class:`~ddlib.problem.Distilled` with one replicate and weights of one.

    Raises:
        ValueError: if the shapes do not fit, there is no row, or a value is not finite.
    """
    if x.ndim != 2 or y.shape != x.shape[:1] or x.shape[0] == 0:
        raise ValueError(f"rows of shape (n, d) and labels of shape (n,) are needed, but got {tuple(x.shape)} and {tuple(y.shape)}")
    return checked(Distilled(x[None], y[None], torch.ones_like(y)[None]))


def checked(data: Distilled) -> Distilled:
    """The data, if a learner can learn from them."""
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
    """

    data: Distilled
    replicates: int = 1
    name: str = "task"

    def __post_init__(self) -> None:
        checked(self.data)
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
        return self.fit(self.data)

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Any:
        """The learner; a subclass gives it."""
        raise NotImplementedError

    def objective(self, model: Any, distilled: Distilled) -> Float[Tensor, " R"]:
        """What the learner minimises, given a set; a subclass gives it."""
        raise NotImplementedError

    def risk(self, model: Any, split: Split = "train") -> Float[Tensor, " R"]:
        """The learner's own objective on D."""
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

    def blocks(self, distilled: Distilled) -> Sequence[Block]:
        """One block: the whole set, with the risk on D."""
        return whole_set(self, distilled)
