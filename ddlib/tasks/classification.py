"""Classification of new cases with any learner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.problem import Block, Distilled, Learner, Split
from ddlib.tasks.empirical import checked
from ddlib.tasks.splits import Splits, random_rows


@dataclass(frozen=True, eq=False)
class ClassificationTask:
    r"""A learner judged by the share of new cases that it puts into the wrong class.

    The risk is the error rate on a split. It has no slope, so what methods descend is a loss on the training data: the mean squared
    distance between scores and labels, or the cross-entropy of scores that are logits.

    Attributes:
        splits: the data, R replicates each; labels are one-hot rows minus 1/C, shape (R, n, C).
        learner: A.
        loss: ``"squared"`` or ``"cross_entropy"``, on the training data.
    """

    splits: Splits
    learner: Learner
    loss: Literal["squared", "cross_entropy"] = "squared"

    def __post_init__(self) -> None:
        for data in self.splits:
            checked(data)
            if data.y.ndim != data.x.ndim or data.y.shape[-1] < 2:
                raise ValueError(f"labels need one column per class, shape (R, n, C), but theirs is {tuple(data.y.shape)}")
        if self.loss not in ("squared", "cross_entropy"):
            raise ValueError(f"the loss must be 'squared' or 'cross_entropy', but it is {self.loss!r}")

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
        return self.learner.fit(self.train)

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        """Rows of D, evenly from the classes."""
        return random_rows(self.train, budget, generator, self.name)

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Any:
        """The learner."""
        return self.learner.fit(distilled, generator)

    def risk(self, model: Any, split: Split = "train") -> Float[Tensor, " R"]:
        """The weighted share of rows in the split that are put into the wrong class."""
        data = self.splits.part(split)
        wrong = self.learner.predict(model, data.x).argmax(-1) != data.y.argmax(-1)
        return (data.w * wrong).sum(-1) / data.w.sum(-1)

    def training_loss(self, model: Any) -> Float[Tensor, " R"]:
        """The loss on D that methods descend."""
        data = self.train
        scores = self.learner.predict(model, data.x)
        if self.loss == "squared":
            each = (scores - data.y).square().sum(-1)
        else:
            right = data.y.argmax(-1, keepdim=True).expand(*scores.shape[:-1], 1)
            each = -scores.log_softmax(-1).gather(-1, right).squeeze(-1)
        return (data.w * each).sum(-1) / data.w.sum(-1)

    def blocks(self, distilled: Distilled) -> Sequence[Block]:
        """One block: the whole set, with the loss on D."""
        return [Block(torch.arange(distilled.budget, device=distilled.w.device), self.training_loss)]

    def initial(self, generator: torch.Generator) -> Any:
        """The model that the learner's training begins at: its own first draw, or zeros.

        Raises:
            ValueError: if the learner minimises nothing that it could name.
        """
        learner = self._minimiser()
        if hasattr(learner, "initial"):
            return learner.initial(self.train, generator)
        return torch.zeros_like(self.reference)

    def objective(self, model: Any, distilled: Distilled) -> Float[Tensor, " R"]:
        """What the learner minimises.

        Raises:
            ValueError: if the learner minimises nothing that it could name.
        """
        return self._minimiser().objective(model, distilled)

    def _minimiser(self) -> Any:
        """The learner, if it names its objective."""
        if not hasattr(self.learner, "objective"):
            raise ValueError(f"{self.name} minimises no objective: choose a method that needs none")
        return self.learner
