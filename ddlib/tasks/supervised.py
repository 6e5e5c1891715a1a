"""What tasks with training, validation and test data share: any learner, any loss, units of any shape, minibatches."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import instance, is_whole, not_given, same_units, takes
from ddlib.losses import Loss, LossName, loss_function, per_unit
from ddlib.minibatches import drawn
from ddlib.problem import Block, Distilled, Split, whole_set
from ddlib.protocols import Learner
from ddlib.tasks.empirical import checked
from ddlib.tasks.splits import Splits, expanded, random_rows

__all__ = ["SupervisedTask"]


@dataclass(frozen=True, eq=False)
class SupervisedTask:
    """A learner on data of one's own; a subclass says by what it is judged.

    Units have any shape. A learner takes them as rows of numbers, unless it has ``any_shape = True``.

    Attributes:
        splits: the data, R replicates each.
        learner: A.
        loss: what methods descend, as a weighted mean over the training data: a name, or a function of outputs and labels of shape
            (R, n, c) to numbers of shape (R, n); see :mod:`ddlib.losses`.
        chunk: how many units of a split are predicted at a time when a risk is computed; None: all. The risk is the same (but for
            a module whose batch normalisation looks at the units together).

    >>> class WorstCase(SupervisedTask):
    ...     def risk(self, model, split="train"):
    ...         data = self.splits.part(split)
    ...         return (self.predict(model, data.x) - data.y).abs().amax(-1)
    >>> from ddlib.learners import KernelRidge
    >>> from ddlib.tasks import split
    >>> task = WorstCase(split(torch.eye(9), torch.ones(9), (3, 3, 3), 2, torch.Generator().manual_seed(0)), KernelRidge())
    >>> task.risk(task.reference, "test").shape
    torch.Size([2])
    """

    splits: Splits
    learner: Learner
    loss: LossName | Loss = "squared"
    chunk: int | None = None

    def __post_init__(self) -> None:
        whose = type(self).__name__
        if not (isinstance(self.splits, tuple) and len(self.splits) == 3) or isinstance(self.splits, Distilled):
            kind = type(self.splits).__name__
            raise TypeError(f"{whose} needs training, validation and test data, but got a {kind}: write split(x, y, sizes, ...)")
        for data in self.splits:
            checked(data, whose)
            if len(data.label) > 1:
                raise ValueError(
                    f"a label is a number or a row of numbers, but labels have shape {tuple(data.label)}: flatten them"
                )
            if self.loss == "binary_cross_entropy" and bool(((data.y < 0) | (data.y > 1)).any()):
                raise ValueError("yes-or-no labels are 0 or 1, but some lie outside: give them so, not as class_labels makes them")
            self._check_labels(data)
        instance(
            self.learner,
            ("name", "fit", "predict"),
            f"the learner of {whose}",
            "wrap a torch module in ModuleLearner(build, loss), and for other estimators write a class with name, fit and predict",
        )
        takes(self.learner, {"fit": "data, generator=None", "predict": "model, x"}, f"the learner {self.learner.name}")
        loss_function(self.loss)
        if self.chunk is not None and not is_whole(self.chunk):
            raise ValueError(f"the chunk must be a whole number of at least 1 unit, but it is {self.chunk!r}")

    def _check_labels(self, data: Distilled) -> None:
        """Refuse labels that the task cannot be judged by: none, unless a subclass says otherwise."""

    @property
    def name(self) -> str:
        """The learner's name."""
        return self.learner.name

    @property
    def deterministic(self) -> bool:
        """Whether the learner draws nothing, so that the same set gives the same model."""
        return getattr(self.learner, "deterministic", False)

    @property
    def train(self) -> Distilled:
        """D."""
        return self.splits.train

    @cached_property
    def reference(self) -> Any:
        """The model learned from D."""
        whole = self.__dict__.get("whole")
        return self.learner.fit(self._shown(self.train)) if whole is None else whole.reference

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        """Units of D, evenly from the classes where labels are rows."""
        return random_rows(self.train, budget, generator, self.name)

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Any:
        """The learner.

        Raises:
            ValueError: if the set has units or labels of other shapes than D.
        """
        same_units(distilled, self.train, self.name)
        return self.learner.fit(self._shown(distilled), generator)

    def predict(self, model: Any, x: Float[Tensor, "R n *unit"]) -> Float[Tensor, "*R n *c"]:
        """The learner's outputs at units."""
        if isinstance(model, Distilled):
            raise TypeError("a risk is that of a model, not of a set: write task.risk(task.fit(distilled))")
        outputs = self.learner.predict(model, x if self._as_they_are else x.flatten(2))
        if not isinstance(outputs, Tensor):
            raise TypeError(f"predict of {self.name} must return a torch tensor, but it returned a {type(outputs).__name__}")
        return outputs

    def training_loss(self, model: Any) -> Float[Tensor, " R"]:
        """The loss on D that methods descend."""
        return self._mean(model, self.train, self.losses)

    def losses(self, outputs: Tensor, data: Distilled) -> Float[Tensor, "R n"]:
        """The loss of each unit."""
        return per_unit(loss_function(self.loss), outputs, data)

    def blocks(self, distilled: Distilled) -> Sequence[Block]:
        """One block: the whole set, with the loss on D."""
        return [whole_set(self, distilled)[0]._replace(risk=self.training_loss)]

    def risk(self, model: Any, split: Split = "train") -> Float[Tensor, " R"]:
        """The criterion; a subclass gives it."""
        raise not_given(self, "risk(model, split='train')")

    def serving(self, replicates: int) -> Self:
        """The same task for another number of sets side by side.

        Raises:
            ValueError: if its data have replicates of their own.
        """
        served = replace(self, splits=expanded(self.splits, replicates, self.name))
        if "whole" in self.__dict__:
            served.__dict__["whole"] = self.__dict__["whole"].serving(replicates)
        return served

    def minibatch(self, size: int, generator: torch.Generator) -> Self:
        """The same task on some of its training units, drawn with replacement, a fresh draw for each replicate."""
        twin = copy.copy(self)
        twin.__dict__["splits"] = self.splits._replace(train=drawn(self.train, size, generator))
        twin.__dict__["whole"] = self.__dict__.get("whole", self)
        return twin

    def initial(self, generator: torch.Generator) -> Any:
        """The model that the learner's training begins at: its own first draw, or zeros.

        Raises:
            ValueError: if the learner minimises nothing that it could name.
        """
        learner = self._minimiser()
        if hasattr(learner, "initial"):
            return learner.initial(self._shown(self.train), generator)
        return torch.zeros_like(self.reference)

    def objective(self, model: Any, distilled: Distilled) -> Float[Tensor, " R"]:
        """What the learner minimises.

        Raises:
            ValueError: if the learner minimises nothing that it could name.
        """
        return self._minimiser().objective(model, self._shown(distilled))

    @property
    def _as_they_are(self) -> bool:
        return getattr(self.learner, "any_shape", False) or len(self.train.unit) == 1

    def _shown(self, data: Distilled) -> Distilled:
        """The data as the learner takes them."""
        return data if self._as_they_are else data.rows()

    def _mean(self, model: Any, data: Distilled, score: Any) -> Float[Tensor, " R"]:
        """The weighted mean of a score of outputs and data over units, computed in chunks."""
        size = self.chunk or data.budget
        total: Any = 0
        for start in range(0, data.budget, size):
            part = Distilled(*(values[:, start : start + size] for values in data)) if size < data.budget else data
            total = total + (part.w * score(self.predict(model, part.x), part)).sum(-1)
        return total / data.w.sum(-1)

    def _minimiser(self) -> Any:
        """The learner, if it names its objective."""
        if not hasattr(self.learner, "objective"):
            raise ValueError(f"{self.name} minimises no objective: choose a method that needs none")
        return self.learner
