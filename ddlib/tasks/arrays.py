"""Numbers of one's own, from NumPy, pandas, lists or torch, as tensors of one floating-point type."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["class_labels", "numbers"]


def numbers(values: Any, what: str, like: Tensor | None = None) -> Tensor:
    """Values as a tensor: of the type and on the device of ``like``, or else of their own floating-point type, whole numbers
    float64.

    Args:
        values: a tensor, a NumPy array, a pandas table or column, or nested lists.
        what: how a refusal calls them.
        like: what they go together with.

    Raises:
        TypeError: if a value is no number.

    >>> numbers([[1, 2], [3, 4]], "x").dtype
    torch.float64
    """
    if isinstance(values, Tensor):
        tensor = values
    else:
        array = _array(values)
        if array.dtype.kind not in "biuf":
            raise TypeError(
                f"{what} must be numbers, but there are values of type {array.dtype}: encode texts and categories as "
                "numbers first, classes by class_labels(values)"
            )
        tensor = torch.from_numpy(np.array(array))
    if tensor.is_complex():
        raise TypeError(f"{what} must be real numbers, but they are complex: give real and imaginary parts as columns")
    if like is not None:
        return tensor.to(like)
    return tensor if tensor.is_floating_point() else tensor.to(torch.float64)


def class_labels(labels: Any, count: int | None = None, dtype: torch.dtype = torch.float64) -> Tensor:
    """One-hot rows minus 1/C: labels that sum to zero, so that a model that says nothing is at their mean for equal classes.

    Args:
        labels: the class of each unit, of any shape (...): whole numbers from 0 to C - 1, or, without ``count``, whole numbers,
            truth values or texts of any kind. Give all labels at once, before they are split, so that a column means one class.
        count: C; None: as many as there are different labels, whose columns are in ascending order, as in ``np.unique(labels)``.
        dtype: of the result; :func:`~ddlib.tasks.split` and :func:`~ddlib.tasks.as_data` give labels the type of the units.

    Returns:
        Rows of shape (..., C), on the device of the labels; ``argmax(-1)`` gives the number of the class back.

    Raises:
        ValueError: if a label is missing or a number with a fraction, is none of ``count`` classes, or, without ``count``, all are
            the same.

    >>> class_labels(["cat", "dog", "cat"])
    tensor([[ 0.5000, -0.5000],
            [-0.5000,  0.5000],
            [ 0.5000, -0.5000]], dtype=torch.float64)
    """
    given = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else _labels(labels)
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        raise ValueError("a class label is missing (NaN) or infinite: drop these units first")
    least = 2 if count is None else 1
    if count is None:
        if given.dtype.kind == "f" and (given != np.floor(given)).any():
            raise ValueError(
                "class labels are whole numbers or texts, but these are numbers with fractions: choose a RegressionTask"
            )
        kinds, index = np.unique(given, return_inverse=True)
        count, codes = len(kinds), index.reshape(given.shape)
    elif given.dtype.kind not in "biuf" or (given != np.floor(given)).any():
        raise ValueError(
            "class labels must be whole numbers from 0 on if their count is given: leave the count out for other values"
        )
    else:
        codes = given.astype(np.int64)
    if count < least:
        raise ValueError(f"classes are {least} or more, but the count is {count}: give units of another class too")
    if codes.size and not 0 <= codes.min() <= codes.max() < count:
        raise ValueError(
            f"class labels must be 0 to {count - 1} for {count} classes, but they go from {codes.min()} to "
            f"{codes.max()}: raise the count, or leave it out"
        )
    device = labels.device if isinstance(labels, Tensor) else "cpu"
    return torch.nn.functional.one_hot(torch.as_tensor(codes, dtype=torch.long, device=device), count).to(dtype) - 1 / count


def _labels(values: Any) -> np.ndarray:
    """Labels as whole numbers or texts; one that is missing among texts is no class."""
    array = np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
    if array.dtype.kind not in "OUS":
        return array
    objects = np.asarray(values, dtype=object)
    if any(one is None or one != one for one in objects.flat):
        raise ValueError("a class label is missing (None or NaN): drop these units first")
    return array if array.dtype.kind in "US" else objects.astype(str)


def _array(values: Any) -> np.ndarray:
    """What NumPy makes of values; a pandas table of mixed numbers becomes one of floating point."""
    array: np.ndarray = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    if array.dtype.kind != "O":
        return array
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        return array
