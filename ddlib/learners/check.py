"""What every learner refuses."""

from __future__ import annotations

import math
from numbers import Integral

from ddlib.problem import Distilled


def no_negative_weight(data: Distilled) -> None:
    """Raise a ValueError if a weight is below zero. Weights that are all zero are data that say nothing."""
    if bool((data.w < 0).any()):
        raise ValueError(f"weights must be 0 or more, but one is {data.w.min().item():.3g}: clamp them, or learn their logarithm")


def penalty_or_none(penalty: float) -> None:
    """Raise a ValueError unless the penalty is zero or a positive number."""
    zero_or_more(penalty, "a ridge penalty")


def positive_penalty(penalty: float, learner: str = "logistic") -> None:
    """Raise a ValueError unless the penalty is a positive number: without one, separable data have no finite minimiser."""
    positive_number(penalty, f"a {learner} penalty")


def positive_number(value: float, what: str) -> None:
    """Raise a ValueError unless the value is positive and finite; ``what`` begins the sentence."""
    if not 0 < value < math.inf:
        raise ValueError(f"{what} must be a positive number, but it is {value}")


def zero_or_more(value: float, what: str) -> None:
    """Raise a ValueError unless the value is zero, or positive and finite; ``what`` begins the sentence."""
    if not 0 <= value < math.inf:
        raise ValueError(f"{what} must be 0 or a positive number, but it is {value}")


def is_whole(value: object, least: int = 1) -> bool:
    """Whether the value is a whole number that is not too small."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def whole_number(value: int, what: str, least: int = 1) -> None:
    """Raise a ValueError unless the value is a whole number that is not too small; ``what`` begins the sentence."""
    if not is_whole(value, least):
        raise ValueError(f"{what} must be a whole number of at least {least}, but it is {value}")


def class_labels(data: Distilled) -> None:
    """Raise a ValueError unless every label is a row with one column per class, of two classes at the least."""
    if data.y.ndim != data.w.ndim + 1 or data.y.shape[-1] < 2:
        raise ValueError(
            f"a classifier needs labels with one column per class, but y has shape {tuple(data.y.shape)} and w "
            f"{tuple(data.w.shape)}: give one-hot rows of two classes or more"
        )


def number_labels(data: Distilled) -> None:
    """Raise a ValueError unless every label is one number."""
    if data.y.ndim != data.w.ndim:
        raise ValueError(
            f"this learner needs one number as each label, but y has shape {tuple(data.y.shape)} and w {tuple(data.w.shape)}: "
            "fit one model for each column"
        )
