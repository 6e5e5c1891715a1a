r"""Losses of outputs against labels, one number per unit: what a task is judged by, and what a learner minimises.

A loss maps outputs f and labels y of the same shape (..., n, c) to numbers of shape (..., n). Whoever has another writes a function
with these shapes; those of :mod:`torch.nn.functional` need ``reduction="none"``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ddlib.distilled import Distilled

__all__ = [
    "LOSSES",
    "Loss",
    "LossName",
    "absolute",
    "binary_cross_entropy",
    "cross_entropy",
    "loss_function",
    "per_unit",
    "squared",
]

Loss = Callable[[Tensor, Tensor], Tensor]
"""Outputs and labels of shape (..., n, c) to one number per unit, of shape (..., n)."""
LossName = Literal["squared", "absolute", "cross_entropy", "binary_cross_entropy"]
"""The names of the losses."""


def squared(outputs: Float[Tensor, "*R n c"], labels: Float[Tensor, "*R n c"]) -> Float[Tensor, "*R n"]:
    r""":math:`\|f - y\|^2`.

    >>> squared(torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0, 1.0]]))
    tensor([5.])
    """
    return (outputs - labels).square().sum(-1)


def absolute(outputs: Float[Tensor, "*R n c"], labels: Float[Tensor, "*R n c"]) -> Float[Tensor, "*R n"]:
    r""":math:`\|f - y\|_1`.

    >>> absolute(torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0, 1.0]]))
    tensor([3.])
    """
    return (outputs - labels).abs().sum(-1)


def cross_entropy(outputs: Float[Tensor, "*R n c"], labels: Float[Tensor, "*R n c"]) -> Float[Tensor, "*R n"]:
    r""":math:`-\sum_c q_c \log \operatorname{softmax}(f)_c` with :math:`q = y - \bar y + 1/C`.

    That is the probability which a label stands for, whether it is one-hot, centred (one-hot minus 1/C) or soft; it is linear in
    the label, so that learned labels have a gradient everywhere.

    >>> cross_entropy(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])), cross_entropy(torch.zeros(1, 2), torch.tensor([[0.5, -0.5]]))
    (tensor([0.6931]), tensor([0.6931]))
    """
    if labels.shape[-1] < 2:
        raise ValueError("the cross-entropy of one class is always 0: make rows by class_labels(y), or choose binary_cross_entropy")
    share = labels - labels.mean(-1, keepdim=True) + 1 / labels.shape[-1]
    return -(share * outputs.log_softmax(-1)).sum(-1)


def binary_cross_entropy(outputs: Float[Tensor, "*R n c"], labels: Float[Tensor, "*R n c"]) -> Float[Tensor, "*R n"]:
    r"""For each of c yes-or-no labels, 0 or 1, the cross-entropy of :math:`\sigma(f)`; their sum (multi-label classification).

    >>> binary_cross_entropy(torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 1.0]]))
    tensor([2.0794])
    """
    return binary_cross_entropy_with_logits(outputs, labels.expand_as(outputs), reduction="none").sum(-1)


LOSSES: dict[str, Loss] = {
    "squared": squared,
    "absolute": absolute,
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
}
"""The losses by name."""


def loss_function(loss: LossName | Loss) -> Loss:
    """The loss of that name, or the function itself.

    Raises:
        ValueError: if there is none of that name.

    >>> loss_function("squared") is squared, loss_function(squared) is squared
    (True, True)
    """
    if callable(loss):
        return loss
    if loss not in LOSSES:
        names = ", ".join(map(repr, LOSSES))
        raise ValueError(f"the loss must be one of {names}, or a function of outputs and labels, but it is {loss!r}")
    return LOSSES[loss]


def per_unit(loss: Loss, outputs: Float[Tensor, "*R n *c"], data: Distilled) -> Float[Tensor, "*R n"]:
    """The loss of each unit; where labels are numbers, outputs may be numbers or a column of them.

    Args:
        loss: the loss.
        outputs: of shape (..., n, c), or (..., n) for labels that are numbers.
        data: whose labels are meant.

    Raises:
        ValueError: if outputs and labels do not fit, or the loss does not give one number per unit.

    >>> data = Distilled(torch.zeros(1, 2, 3), torch.tensor([[1.0, 0.0]]), torch.ones(1, 2))
    >>> per_unit(squared, torch.tensor([[[1.0], [2.0]]]), data)
    tensor([[0., 4.]])
    """
    units, labels = data.budget, data.y
    if not data.label:
        labels = labels.unsqueeze(-1)
        outputs = outputs if outputs.ndim > 2 and outputs.shape[-2:] == (units, 1) else outputs.unsqueeze(-1)
    if outputs.shape[-2:] != labels.shape[-2:] or outputs.ndim < labels.ndim:
        raise ValueError(
            f"the learner's outputs have shape {tuple(outputs.shape)}, but the labels {tuple(data.y.shape)}: it must "
            "give one column for each column of the labels"
        )
    losses = loss(outputs, labels)
    if losses.shape != torch.broadcast_shapes(outputs.shape, labels.shape)[:-1]:
        raise ValueError(
            f"the loss gave numbers of shape {tuple(losses.shape)} for outputs of shape {tuple(outputs.shape)}: it must give one "
            'per unit, as the losses of torch.nn.functional do with reduction="none" (cross_entropy is here by its name)'
        )
    return losses
