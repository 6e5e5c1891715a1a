r"""The distribution of a column whose cells are numbers and intervals (Turnbull 1976).

Probability sits on the values that occur. A cell that is an interval spreads over the values in it as the distribution does, and
the distribution is the mean over all cells: iterated until nothing moves. What lies below all values, as cells below a limit of
detection do, sits before the first of them. Without intervals it is the empirical distribution.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ddlib.merge.margins.margin import Cells

__all__ = ["distribution"]

_ROUNDS = 200
"""At most so many iterations."""
_STILL = 1e-7
"""It stops when no probability moves by more."""


class Distribution(NamedTuple):
    """Probabilities of values.

    Attributes:
        values: those that occur, ascending.
        before, upto: the probability of less than each of them, and of that or less.
    """

    values: Float[np.ndarray, " m"]
    before: Float[np.ndarray, " m"]
    upto: Float[np.ndarray, " m"]


def distribution(cells: Cells) -> Distribution:
    """The distribution of a column's cells; missing ones do not count.

    Raises:
        ValueError: if no cell is a number.

    >>> distribution(Cells(np.array([-np.inf, 2.0, 3.0, 3.0]), np.array([1.0, 2.0, 3.0, 3.0]))).upto  # one below a limit of 1
    array([0.5, 1. ])
    """
    values, count = np.unique(cells.lower[cells.exact], return_counts=True)
    if not len(values):
        raise ValueError("the column has no number: give some cells as numbers, or drop it")
    part = cells.known & ~cells.exact
    first = np.searchsorted(values, cells.lower[part], side="left") + 1
    last = np.searchsorted(values, cells.upper[part], side="right") + 1
    outside = bool((last == 1).any()), bool((first == len(values) + 1).any())  # some are below all values, or above
    first[cells.lower[part] == -np.inf] = 0
    last[cells.upper[part] == np.inf] = len(values) + 2
    last = np.maximum(last, first + 1)
    number = len(first) + count.sum()
    weight = np.concatenate([[outside[0]], count, [outside[1]]]) / (count.sum() + sum(outside))
    for _ in range(_ROUNDS if len(first) else 1):
        total = np.concatenate([[0.0], weight.cumsum()])
        share = 1 / np.maximum(total[last] - total[first], 1e-12)
        opened = np.bincount(first, share, len(weight) + 1) - np.bincount(last, share, len(weight) + 1)
        new = (np.concatenate([[0.0], count, [0.0]]) + weight * opened.cumsum()[:-1]) / number
        moved, weight = np.abs(new - weight).max(), new
        if moved < _STILL:
            break
    upto = np.minimum(weight.cumsum()[:-1], 1.0)
    return Distribution(values, upto[:-1], upto[1:])
