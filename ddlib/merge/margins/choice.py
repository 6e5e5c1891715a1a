"""Which margin a column gets, by what its cells look like."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from ddlib.merge.margins.censored import normal_moments
from ddlib.merge.margins.distribution import Distribution, distribution
from ddlib.merge.margins.identity import Identity
from ddlib.merge.margins.margin import Cells, Margin
from ddlib.merge.margins.monotone import monotone
from ddlib.merge.margins.thresholds import thresholds

__all__ = ["choose_margin", "is_category", "skewness"]

_MOST_VALUES = 10
"""Whole numbers that a score has, at most."""
_FEWEST_EACH = 5
"""Cells for each of them, on average, at least."""
_SKEWED = 0.25
"""Quantile skewness from which a column is skewed; log-normal values whose logarithm has a standard deviation of 0.3 have 0.24."""
_ERRORS = 3.5
"""How many standard errors, of about 1/√n, the skewness is above zero, at least."""
_INSIDE, _VISIBLE = 1.2, 0.2
"""How much farther inside than what is beyond a limit quantiles are taken; the share between them that shows a skewness."""
_OUTSIDE = 0.01, 5.0
"""Share, and number, of a normal law's values beyond a natural limit that none of the cells is beyond, at least."""


def choose_margin(cells: Cells) -> Margin:
    """The margin of a column.

    Two values, or a few whole numbers, are categories, unless some cells are known to be beyond all of them. A column is skewed if
    the distances from the median to outer quantiles differ, or if a normal law would put values below zero, or above a hundred,
    where there are none.

    Args:
        cells: of all patients; missing ones do not count.

    Raises:
        ValueError: if no cell is a number, or all numbers are the same.

    >>> [type(choose_margin(Cells.of(values))).__name__ for values in ([0, 1] * 9, np.arange(-50, 50), np.arange(50) ** 4)]
    ['Thresholds', 'Identity', 'Monotone']
    """
    found = distribution(cells)
    numbers = cells.lower[cells.exact]
    if len(found.values) < 2:
        raise ValueError("the column has one value only: drop it")
    if is_category(cells):
        return thresholds(cells, "two values" if len(found.values) == 2 else f"{len(found.values)} whole numbers")
    part = cells.within
    never_negative = bool(numbers.min() >= 0 and (cells.upper[part] > 0).all())
    percentage = never_negative and bool(50 < numbers.max() <= 100 and (cells.lower[part] < 100).all())
    skew = skewness(found)
    if abs(skew) > max(_SKEWED, _ERRORS / len(numbers) ** 0.5):
        beyond = percentage and bool((cells.lower[part] >= numbers.max()).any())
        return monotone(cells, high=100.0 if beyond else None, why=f"skewed to the {'right' if skew > 0 else 'left'}")
    centre, spread = normal_moments(cells)
    for limit, sign, holds in ((0.0, -1, never_negative), (100.0, 1, percentage)):
        share = float(ndtr(-abs(centre - limit) / spread))
        if holds and share > _OUTSIDE[0] and share * len(numbers) > _OUTSIDE[1]:
            where = "below 0" if sign < 0 else "above 100"
            return monotone(cells, high=100.0 if sign > 0 else None, why=f"a normal law would have {share:.0%} {where}")
    return Identity(centre, spread)


def is_category(cells: Cells) -> bool:
    """Whether a column has two values, or a few whole numbers, and no cell is known to be beyond all of them.

    >>> is_category(Cells.of([0, 1, 1])), is_category(Cells.of([0.5, 1, 2]))
    (True, False)
    >>> is_category(Cells(np.array([0, 1, 2]), np.array([0, 1, np.inf])))
    False
    """
    numbers, part = cells.lower[cells.exact], cells.within
    values = np.unique(numbers)
    if len(values) < 2 or bool((cells.upper[part] < values[0]).any() or (cells.lower[part] > values[-1]).any()):
        return False
    few = len(values) <= _MOST_VALUES and len(numbers) >= _FEWEST_EACH * len(values)
    return len(values) == 2 or (few and bool((values == np.round(values)).all()))


def skewness(found: Distribution) -> float:
    """The difference of the slopes of the values over normal scores, above and below the middle, in their sum.

    The ends are the quantiles of 5 and 95 %, or farther inside where more is beyond a limit of detection; the middle is the median,
    or half-way between them where the median is beyond a limit. With both ends equally far out, the slopes are the distances from
    the median.

    >>> round(skewness(distribution(Cells.of(np.arange(101) ** 2))), 2)
    0.45
    """
    outer = max(0.05, _INSIDE * float(found.before[0])), 1 - max(0.05, _INSIDE * (1 - float(found.upto[-1])))
    if outer[1] - outer[0] < _VISIBLE:
        return 0.0
    start, end = ndtri(outer)
    middle = 0.0 if outer[0] <= 0.4 <= 0.6 <= outer[1] else 0.5 * (start + end)
    scores = np.array([start, middle, end])
    below, above = np.diff(np.interp(ndtr(scores), 0.5 * (found.before + found.upto), found.values)) / np.diff(scores)
    return float((above - below) / (above + below)) if above + below > 0 else 0.0
