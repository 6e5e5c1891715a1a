"""Regression, and every other prediction that a differentiable loss can judge, with any learner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.problem import Distilled, Split
from ddlib.tasks.splits import random_rows
from ddlib.tasks.supervised import SupervisedTask

__all__ = ["RegressionTask"]


@dataclass(frozen=True, eq=False)
class RegressionTask(SupervisedTask):
    r"""A learner judged by its mean loss on new cases.

    The risk is the weighted mean, over a split, of the loss that methods descend on the training data: with the default the mean
    squared error, with ``"binary_cross_entropy"`` that of labels which are several yes-or-no answers, or a function of one's own.
    Labels are numbers, shape (n,), or rows of c numbers, shape (n, c).

    Attributes:
        splits: the data, from :func:`~ddlib.tasks.split`.
        learner: any of :mod:`ddlib.learners`, or an object with ``name``, ``fit(data, generator)`` and ``predict(model, x)``.
        loss: ``"squared"``, ``"absolute"``, ``"cross_entropy"``, ``"binary_cross_entropy"``, or a function of outputs and labels of
            shape (R, n, c) to numbers of shape (R, n); numbers as labels have c = 1.
        chunk: how many units are predicted at a time when a risk is computed; None: all.

    >>> import torch
    >>> from ddlib.learners import KernelRidge
    >>> from ddlib.tasks import split
    >>> x = torch.linspace(0, 1, 20)[:, None]
    >>> parts = split(x, 2 * x[:, 0], (10, 5, 5), 1, torch.Generator().manual_seed(0))
    >>> task = RegressionTask(parts, KernelRidge(), loss="absolute")
    >>> bool(task.risk(task.reference, "test") < 0.1)
    True
    """

    of_classes: ClassVar[bool] = False

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        """Units of D; rows of labels are no classes here."""
        return random_rows(self.train, budget, generator, self.name, by_class=False)

    def risk(self, model: Any, split: Split = "train") -> Float[Tensor, " R"]:
        """The weighted mean loss on a split."""
        return self._mean(model, self.splits.part(split), self.losses)
