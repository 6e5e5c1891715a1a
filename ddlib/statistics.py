"""Numbers over replicates, each with a 95 % interval."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

__all__ = ["Estimate", "Number", "estimate", "median_coverage", "paired_difference", "quoted"]


class Estimate(NamedTuple):
    """A statistic over n replicates and its 95 % interval (not a number where n cannot give one).

    >>> Estimate(0.5, 0.4, 0.6, 10).value
    0.5
    """

    value: float
    low: float
    high: float
    n: int


class Number(NamedTuple):
    """A number for the prose: the arguments of a recorder's ``number`` after the name.

    >>> Number(0.5, unit="nats")
    Number(value=0.5, low=None, high=None, n=None, unit='nats')
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    unit: str = ""


def quoted(found: Estimate, unit: str = "") -> Number:
    """An estimate for the prose, without an interval where it has none.

    >>> quoted(estimate([2.0]), "nats")
    Number(value=2.0, low=None, high=None, n=1, unit='nats')
    """
    low, high = (None if np.isnan(end) else end for end in (found.low, found.high))
    return Number(found.value, low, high, found.n, unit)


def estimate(values: ArrayLike, statistic: Literal["mean", "median"] = "mean") -> Estimate:
    """Mean with Student's interval, or median with the interval between two order statistics.

    The order statistics are the narrowest symmetric pair that covers the median with at least 95 % probability, whatever the law of
    the values; fewer than six values have no such pair, and then the whole range is given, which covers with the lower probability
    1 − 2^(1−n) (:func:`median_coverage`). One value has no interval.

    Args:
        values: one number per replicate, any shape.
        statistic: which one.

    Raises:
        ValueError: if there is no value, one is not finite, or the statistic is neither mean nor median.

    >>> estimate([1.0, 2.0, 3.0], "median")
    Estimate(value=2.0, low=1.0, high=3.0, n=3)
    """
    if statistic not in ("mean", "median"):
        raise ValueError(f"there is no estimate of the {statistic!r}: choose mean or median")
    numbers = np.sort(np.asarray(values, dtype=float).ravel())
    n = numbers.size
    if n == 0 or not np.isfinite(numbers).all():
        raise ValueError(f"a {statistic} needs at least one value and only finite ones, but got {numbers.tolist()}")
    if n == 1:
        return Estimate(float(numbers[0]), float("nan"), float("nan"), 1)
    if statistic == "median":
        rank = _rank(n)
        return Estimate(float(np.median(numbers)), float(numbers[rank]), float(numbers[n - 1 - rank]), n)
    half = float(stats.t.ppf(0.975, n - 1) * numbers.std(ddof=1) / np.sqrt(n))
    mean = float(numbers.mean())
    return Estimate(mean, mean - half, mean + half, n)


def median_coverage(n: int) -> float:
    """The least probability that the interval of :func:`estimate` covers the median of any law, given n independent values.

    >>> round(median_coverage(6), 3), round(median_coverage(5), 3)
    (0.969, 0.938)
    """
    return 1 - 2 * float(stats.binom.cdf(_rank(n), n, 0.5))


def _rank(n: int) -> int:
    """How many values lie outside the median's interval on either side."""
    below = int(stats.binom.ppf(0.025, n, 0.5))  # P(fewer than `below` values under the median) ≤ 2.5 %
    return max(below - 1, 0)


def paired_difference(ours: ArrayLike, theirs: ArrayLike) -> Estimate:
    """Mean difference between two methods on the same replicates: "A beats B" is a claim about this interval.

    >>> paired_difference([1.0, 2.0, 3.0], [0.0, 1.0, 2.0])
    Estimate(value=1.0, low=1.0, high=1.0, n=3)
    """
    return estimate(np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float), "mean")
