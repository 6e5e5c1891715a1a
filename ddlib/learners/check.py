"""What every learner refuses."""

from __future__ import annotations

from ddlib.problem import Distilled


def no_negative_weight(data: Distilled) -> None:
    """Raise a ValueError if a weight is below zero. Weights that are all zero are data that say nothing."""
    if bool((data.w < 0).any()):
        raise ValueError(f"weights must be 0 or more, but one is {data.w.min().item():.3g}: clamp them, or learn their logarithm")


def penalty_or_none(penalty: float) -> None:
    """Raise a ValueError unless the penalty is zero or a positive number."""
    if not 0 <= penalty < float("inf"):
        raise ValueError(f"a ridge penalty must be 0 or a positive number, but it is {penalty}")


def positive_penalty(penalty: float) -> None:
    """Raise a ValueError unless the penalty is a positive number: without one, separable data have no finite minimiser."""
    if not 0 < penalty < float("inf"):
        raise ValueError(f"a logistic penalty must be a positive number, but it is {penalty}")
