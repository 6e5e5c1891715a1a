"""Which margin a column gets, by what its cells look like."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from ddlib.merge.margins.distribution import Distribution, distribution
from ddlib.merge.margins.identity import Identity
from ddlib.merge.margins.margin import Cells, Margin
from ddlib.merge.margins.monotone import monotone
from ddlib.merge.margins.thresholds import thresholds

__all__ = ["choose_margin", "skewness"]

_MOST_VALUES = 10
"""Whole numbers that a score has, at most."""
_FEWEST_EACH = 5
"""Cells for each of them, on average, at least."""
_SKEWED = 0.25
"""Quantile skewness from which a column is skewed; log-normal values whose logarithm has a standard deviation of 0.3 have 0.24."""
_ERRORS = 3.5
"""How many standard errors, of about 1/√n, the skewness is above zero, at least."""
_OUTSIDE = 0.01, 5.0
"""Share, and number, of a normal law's values beyond a natural limit that none of the cells is beyond, at least."""


def choose_margin(cells: Cells) -> Margin:
    """The margin of a column.

    Two values, or a few whole numbers, are categories. A column is skewed if the distances from the median to outer quantiles
    differ, or if a normal law would put values below zero, or above a hundred, where there are none.

    Args:
        cells: of all patients; missing ones do not count.

    Raises:
        ValueError: if no cell is a number, or all are the same.

    >>> [type(choose_margin(Cells.of(values))).__name__ for values in ([0, 1] * 9, np.arange(-50, 50), np.arange(50) ** 4)]
    ['Thresholds', 'Identity', 'Monotone']
    """
    found = distribution(cells)
    numbers = cells.lower[cells.exact]
    count = len(found.values)
    if count == 2:
        return thresholds(cells, "two values")
    if count <= _MOST_VALUES and bool((numbers == np.round(numbers)).all()) and len(numbers) >= _FEWEST_EACH * count:
        return thresholds(cells, f"{count} whole numbers")
    skew = skewness(found)
    if abs(skew) > max(_SKEWED, _ERRORS / len(numbers) ** 0.5):
        return monotone(cells, why=f"skewed to the {'right' if skew > 0 else 'left'}")
    centre, spread = float(numbers.mean()), float(numbers.std())
    if not spread > 0:
        raise ValueError("the column has one value only: drop it")
    for limit, sign, holds in ((0.0, -1, numbers.min() >= 0), (100.0, 1, numbers.min() >= 0 and 50 < numbers.max() <= 100)):
        share = float(ndtr(-abs(centre - limit) / spread))
        if holds and share > _OUTSIDE[0] and share * len(numbers) > _OUTSIDE[1]:
            where = "below 0" if sign < 0 else "above 100"
            return monotone(cells, high=100.0 if sign > 0 else None, why=f"a normal law would have {share:.0%} {where}")
    return Identity(centre, spread)


def skewness(found: Distribution) -> float:
    """The difference of the distances of two outer quantiles from the median, in that of their sum.

    The quantiles are those of 5 and 95 %, or farther inside where more is below a limit of detection.

    >>> round(skewness(distribution(Cells.of(np.arange(101) ** 2))), 2)
    0.45
    """
    outer = min(max(0.05, 1.2 * float(found.before[0]), 1.2 * (1 - float(found.upto[-1]))), 0.4)
    middle = 0.5 * (found.before + found.upto)
    low, median, high = np.interp([outer, 0.5, 1 - outer], middle, found.values)
    return float((high + low - 2 * median) / (high - low)) if high > low else 0.0
