r"""The mean and the standard deviation of a column some of whose cells are intervals, if its values are normal.

The maximum of the likelihood :math:`\prod_i \varphi\bigl((x_i - \mu)/\sigma\bigr)/\sigma \prod_j P(l_j < X < u_j)`, by the EM
algorithm: each interval counts with the moments of a normal value that lies in it (Dempster, Laird and Rubin 1977). Without
intervals these are the moments of the numbers.
"""

from __future__ import annotations

import numpy as np
import torch

from ddlib.merge.margins.margin import Cells
from ddlib.merge.model.truncated import truncated

__all__ = ["normal_moments"]

_ROUNDS = 1000
"""At most so many iterations."""
_STILL = 1e-8
"""It stops when neither moment moves by more, in standard deviations."""


def normal_moments(cells: Cells) -> tuple[float, float]:
    """Mean and standard deviation (divisor n); missing cells do not count.

    Raises:
        ValueError: if no cell is a number, or some lie in intervals and all numbers are the same.

    >>> normal_moments(Cells.of([1.0, 3.0, float("nan")]))
    (2.0, 1.0)
    >>> half = Cells(np.array([0.0, 1.0, 2.0, -np.inf, -np.inf, -np.inf]), np.array([0.0, 1.0, 2.0, 0.0, 0.0, 0.0]))
    >>> [round(moment, 3) for moment in normal_moments(half)]  # about half of the cells are below zero
    [-0.023, 1.3]
    """
    values = cells.lower[cells.exact]
    if not len(values):
        raise ValueError("the column has no number: give some cells as numbers, or drop it")
    mean, deviation = float(values.mean()), float(values.std())
    if not cells.within.any():
        return mean, deviation
    if not deviation > 0:
        raise ValueError("the column has one number, and otherwise only cells beyond a limit: drop it")
    ends, count = np.unique(np.stack(cells.take(cells.within)), axis=1, return_counts=True)
    lower, upper = torch.from_numpy(ends)
    weight, total = torch.from_numpy(count).to(lower.dtype), len(values) + int(count.sum())
    first, second = float(values.sum()), float(np.square(values - mean).sum())
    shift = mean  # squares are taken about it, so that they do not cancel
    for _ in range(_ROUNDS):
        cut = truncated(torch.full_like(lower, mean), torch.full_like(lower, deviation**2), lower, upper)
        new = (first + float(weight @ cut.mean)) / total
        square = (second + float(weight @ ((cut.mean - shift).square() + cut.variance))) / total - (new - shift) ** 2
        moved = max(abs(new - mean), abs(square**0.5 - deviation)) / deviation
        mean, deviation = new, square**0.5
        if moved < _STILL:
            break
    return mean, deviation
