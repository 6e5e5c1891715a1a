"""What every learner refuses."""

from __future__ import annotations

import math

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from ddlib.arguments import is_whole
from ddlib.problem import Distilled

__all__ = [
    "class_labels",
    "no_negative_weight",
    "number_labels",
    "penalty_or_none",
    "positive_number",
    "positive_penalty",
    "unsolved",
    "whole_number",
    "zero_or_more",
]

_NOT_NEGATIVE = WeakTensorKeyDictionary()
"""Tensors on accelerators that were seen to hold no negative number, and their versions then: to look again is to wait again."""


def no_negative_weight(data: Distilled) -> None:
    """Raise a ValueError if a weight is below zero. Weights that are all zero are data that say nothing.

    >>> import torch
    >>> no_negative_weight(Distilled(torch.zeros(1, 1, 2), torch.zeros(1, 1), -torch.ones(1, 1)))
    Traceback (most recent call last):
    ValueError: weights must be 0 or more, but one is -1: clamp them, or learn their logarithm
    """
    if not _remembered(data.w) and bool((data.w < 0).any()):
        raise ValueError(f"weights must be 0 or more, but one is {data.w.min().item():.3g}: clamp them, or learn their logarithm")


def _remembered(weights: Tensor) -> bool:
    """Whether these weights lie on an accelerator and no number of the tensor that they are, or are a view of, is negative."""
    whole = weights if weights._base is None else weights._base
    if weights.device.type == "cpu" or whole.is_inference():
        return False
    if _NOT_NEGATIVE.get(whole) != whole._version:
        if bool((whole < 0).any()):
            return False
        _NOT_NEGATIVE[whole] = whole._version
    return True


def unsolved(factor: Tensor, failed: Tensor) -> bool:
    """Whether a Cholesky factor that ``cholesky_ex`` gave failed or is not finite: one answer, for which the CPU waits once.

    >>> import torch
    >>> unsolved(*torch.linalg.cholesky_ex(torch.eye(2))), unsolved(*torch.linalg.cholesky_ex(-torch.eye(2)))
    (False, True)
    """
    return bool((failed != 0).any() | ~factor.detach().isfinite().all())


def penalty_or_none(penalty: float) -> None:
    """Raise a ValueError unless the penalty is zero or a positive number.

    >>> penalty_or_none(-1.0)
    Traceback (most recent call last):
    ValueError: a ridge penalty must be 0 or a positive number, but it is -1.0
    """
    zero_or_more(penalty, "a ridge penalty")


def positive_penalty(penalty: float, learner: str = "logistic") -> None:
    """Raise a ValueError unless the penalty is a positive number: without one, separable data have no finite minimiser.

    >>> positive_penalty(0.0)
    Traceback (most recent call last):
    ValueError: a logistic penalty must be a positive number, but it is 0.0
    """
    positive_number(penalty, f"a {learner} penalty")


def positive_number(value: float, what: str) -> None:
    """Raise a ValueError unless the value is positive and finite; ``what`` begins the sentence.

    >>> positive_number(0.0, "the length of a kernel")
    Traceback (most recent call last):
    ValueError: the length of a kernel must be a positive number, but it is 0.0
    """
    if not 0 < value < math.inf:
        raise ValueError(f"{what} must be a positive number, but it is {value}")


def zero_or_more(value: float, what: str) -> None:
    """Raise a ValueError unless the value is zero, or positive and finite; ``what`` begins the sentence.

    >>> zero_or_more(-1.0, "a weight decay")
    Traceback (most recent call last):
    ValueError: a weight decay must be 0 or a positive number, but it is -1.0
    """
    if not 0 <= value < math.inf:
        raise ValueError(f"{what} must be 0 or a positive number, but it is {value}")


def whole_number(value: int, what: str, least: int = 1) -> None:
    """Raise a ValueError unless the value is a whole number that is not too small; ``what`` begins the sentence.

    >>> whole_number(2.5, "the number of trees")
    Traceback (most recent call last):
    ValueError: the number of trees must be a whole number of at least 1, but it is 2.5
    """
    if not is_whole(value, least):
        raise ValueError(f"{what} must be a whole number of at least {least}, but it is {value}")


def class_labels(data: Distilled) -> None:
    """Raise a ValueError unless every label is a row with one column per class, of two classes at the least.

    >>> import torch
    >>> class_labels(Distilled(torch.zeros(1, 3, 2), torch.eye(3).unsqueeze(0), torch.ones(1, 3)))
    """
    if data.y.ndim != data.w.ndim + 1 or data.y.shape[-1] < 2:
        raise ValueError(
            f"a classifier needs labels with one column per class, but y has shape {tuple(data.y.shape)} and w "
            f"{tuple(data.w.shape)}: give one-hot rows of two classes or more"
        )


def number_labels(data: Distilled) -> None:
    """Raise a ValueError unless every label is one number.

    >>> import torch
    >>> number_labels(Distilled(torch.zeros(1, 3, 2), torch.zeros(1, 3), torch.ones(1, 3)))
    """
    if data.y.ndim != data.w.ndim:
        raise ValueError(
            f"this learner needs one number as each label, but y has shape {tuple(data.y.shape)} and w {tuple(data.w.shape)}: "
            "fit one model for each column, or choose a RegressionTask or ClassificationTask"
        )
