"""Classification of new cases with any learner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from ddlib.problem import Distilled, Split
from ddlib.tasks.supervised import SupervisedTask

__all__ = ["ClassificationTask"]


@dataclass(frozen=True, eq=False)
class ClassificationTask(SupervisedTask):
    r"""A learner judged by the share of new cases that it puts into the wrong class.

    The risk, ``task.risk(task.fit(distilled), "test")``, is the error rate on a split, one number for each replicate. It has no
    slope, so what methods descend is a loss on the training data: the mean squared distance between scores and labels, the
    cross-entropy of scores that are logits, or another (:mod:`ddlib.losses`).

    Labels are rows with one column per class, of which the largest is the class: :func:`~ddlib.tasks.class_labels` makes them. A
    unit that can have several labels at once is no case for this task: that is a :class:`~ddlib.tasks.RegressionTask` with the loss
    ``"binary_cross_entropy"``.

    Attributes:
        splits: the data, from :func:`~ddlib.tasks.split`.
        learner: any of :mod:`ddlib.learners`, or an object with ``name``, ``fit(data, generator)`` and ``predict(model, x)``.
        loss: what methods descend: ``"squared"``, ``"cross_entropy"``, or a function of outputs and labels of shape (R, n, C) to
            numbers of shape (R, n). A learner that trains has a loss of its own.
        chunk: how many units are predicted at a time when a risk is computed; None: all.

    >>> import torch
    >>> from ddlib.learners import KernelRidge
    >>> from ddlib.tasks import class_labels, split
    >>> x = torch.tensor([[0.0], [0.1], [1.0], [1.1]] * 5)
    >>> parts = split(x, class_labels(x[:, 0] > 0.5), (10, 5, 5), 1, torch.Generator().manual_seed(0))
    >>> task = ClassificationTask(parts, KernelRidge())
    >>> task.risk(task.reference, "test")
    tensor([0.])
    """

    def _check_labels(self, data: Distilled) -> None:
        if len(data.label) != 1 or data.label[0] < 2:
            column = "" if not data.label else "[:, 0]" if data.label == (1,) else None
            instead = "give rows of two columns or more" if column is None else f"write split(x, class_labels(y{column}), ...)"
            raise ValueError(
                f"labels need one column per class, shape (R, n, C), but theirs is {tuple(data.y.shape)}: {instead}, or choose a "
                "RegressionTask for labels that are numbers"
            )
        total = data.y.sum(-1)
        if bool((total - total[:, :1]).abs().amax() > 1e-3 * data.y.abs().amax()):
            raise ValueError(
                "the rows of the labels do not add up to the same number: they are several labels at once and not one class, so "
                'choose RegressionTask(splits, learner, loss="binary_cross_entropy"), or write class_labels(y)'
            )

    def risk(self, model: Any, split: Split = "train") -> Float[Tensor, " R"]:
        """The weighted share of units in the split that are put into the wrong class."""
        return self._mean(model, self.splits.part(split), _wrong)


def _wrong(scores: Float[Tensor, "R n C"], data: Distilled) -> Float[Tensor, "R n"]:
    if scores.shape[-1] != data.y.shape[-1] or scores.ndim < data.y.ndim:
        raise ValueError(
            f"the learner's outputs have shape {tuple(scores.shape)}, but the labels {tuple(data.y.shape)}: predict "
            "must give one score for each class"
        )
    return (scores.argmax(-1) != data.y.argmax(-1)) | scores.isnan().any(-1)  # what is no number is not right
