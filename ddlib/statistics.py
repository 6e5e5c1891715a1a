"""Numbers over replicates, each with a 95 % interval."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy import stats

__all__ = [
    "Contrast",
    "Estimate",
    "Number",
    "best_set",
    "contrast",
    "crossed",
    "estimate",
    "holm",
    "median_coverage",
    "paired_difference",
    "quoted",
]


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


class Contrast(NamedTuple):
    """Means over training draws (and test units), their standard errors and the degrees of freedom of these.

    >>> Contrast(np.array(0.2), np.array(0.1), np.array(9.0)).mean.item()
    0.2
    """

    mean: Float[np.ndarray, "*rows"]
    error: Float[np.ndarray, "*rows"]
    freedom: Float[np.ndarray, "*rows"]


def contrast(values: Float[np.ndarray, "*rows draws units"]) -> Contrast:
    r"""Means over draws and units that are all crossed, with the standard error of the pigeonhole bootstrap.

    That bootstrap draws training sets and test units anew, independently of each other, so that an interval speaks of other
    training sets *and* of other test units. Its variance needs no drawing: with :math:`a_i` and :math:`b_j` the deviations of the
    means of draw i and of unit j, and :math:`r_{ij}` what they leave,

    .. math:: \frac{\sum a_i^2}{D(D-1)} + \frac{\sum b_j^2}{U(U-1)} + \frac{\sum r_{ij}^2}{D(D-1)\,U(U-1)},

    each term here with its degrees of freedom in place of its number of values. It errs to the safe side: what draws and units do
    not explain is counted three times, in each of the terms. The degrees of freedom are Satterthwaite's. One unit alone means that
    there is none: then it is Student's standard error over the draws.

    Args:
        values: numbers, the last two axes draws and units; leading axes are rows of their own.

    Raises:
        ValueError: if there are fewer than two draws, or a value is not finite.

    Source: Owen, *The pigeonhole bootstrap*, Annals of Applied Statistics 1, 2007.

    >>> contrast(np.array([[1.0], [2.0], [3.0]])).freedom.item()
    2.0
    """
    numbers = np.asarray(values, dtype=float)
    draws, units = numbers.shape[-2:]
    if draws < 2 or not units or not np.isfinite(numbers).all():
        raise ValueError(f"a contrast needs two draws, a unit and only finite values, but got {draws} draws of {units} units")
    mean = numbers.mean((-2, -1), keepdims=True)
    by_draw, by_unit = numbers.mean(-1, keepdims=True) - mean, numbers.mean(-2, keepdims=True) - mean
    left = numbers - mean - by_draw - by_unit
    parts = [((by_draw**2).sum((-2, -1)), draws, draws - 1)]
    if units > 1:
        both = (draws - 1) * (units - 1)
        parts += [((by_unit**2).sum((-2, -1)), units, units - 1), ((left**2).sum((-2, -1)), draws * units, both)]
    variances = [squares / (size * free) for squares, size, free in parts]
    variance = sum(variances, np.zeros(numbers.shape[:-2]))
    doubt = sum((part**2 / free for part, (_, _, free) in zip(variances, parts, strict=True)), np.zeros(numbers.shape[:-2]))
    freedom = np.divide(variance**2, doubt, out=np.full(variance.shape, float(draws - 1)), where=doubt > 0)
    return Contrast(mean[..., 0, 0], np.sqrt(variance), freedom)


def crossed(values: Float[np.ndarray, "draws units"]) -> Estimate:
    """The mean over training draws that were all judged on the same test units, and its 95 % interval over both.

    The interval is the mean ± Student's quantile times the standard error of the pigeonhole bootstrap (:func:`contrast`); n counts
    the draws. One draw has no interval.

    Args:
        values: a number (0 or 1 for wrong or right; a difference between two methods) for each draw and unit.

    Raises:
        ValueError: if there is no value, one is not finite, or there are not two axes.

    >>> found = crossed(np.array([[1.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0]]))
    >>> found.value, found.n, found.low < 0.25
    (0.625, 2, True)
    """
    numbers = np.asarray(values, dtype=float)
    if numbers.ndim != 2 or not numbers.size or not np.isfinite(numbers).all():
        raise ValueError(f"a mean over draws and units needs two axes and only finite values, but got the shape {numbers.shape}")
    if len(numbers) == 1:
        return Estimate(float(numbers.mean()), float("nan"), float("nan"), 1)
    mean, error, freedom = contrast(numbers)
    half = float(stats.t.ppf(0.975, freedom) * error)
    return Estimate(float(mean), float(mean) - half, float(mean) + half, len(numbers))


def holm(probabilities: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    r"""P-values of many tests, adjusted so that all below α together hold with an error of at most α.

    The k-th smallest of n is multiplied by n − k + 1, and none may be below a smaller one's. The tests may depend on each other.

    Args:
        probabilities: one p-value for each test.

    Raises:
        ValueError: if one is not between 0 and 1.

    Source: Holm, *A simple sequentially rejective multiple test procedure*, Scandinavian Journal of Statistics 6, 1979.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    given = np.asarray(probabilities, dtype=float)
    if not ((given >= 0) & (given <= 1)).all():
        raise ValueError(f"p-values lie between 0 and 1, but got {given.tolist()}")
    order = np.argsort(given)
    steps = given[order] * np.arange(len(given), 0, -1)
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def best_set(values: Float[np.ndarray, "rows draws *units"], level: float = 0.05) -> list[bool]:
    """Which rows cannot be told from the best; larger is better.

    A row is left out if some other is better than it by a paired one-sided test (:func:`contrast`), after Holm's correction for all
    rows that it is compared with. So the truly best row stays in with a probability of at least 1 − level, however many rows there
    are; "row A is the best" is a statement only where the set holds A alone.

    Args:
        values: for each row (a method) and each draw a score, or with a third axis one for each test unit too.
        level: the probability with which the best row may be left out.

    Raises:
        ValueError: if there are fewer than two draws, another number of axes, or a value is not finite.

    >>> best_set(np.array([[0.90, 0.92, 0.91], [0.91, 0.90, 0.92], [0.50, 0.52, 0.51]]))
    [True, True, False]
    """
    numbers = np.asarray(values, dtype=float)
    if numbers.ndim not in (2, 3):
        raise ValueError(f"rows, draws and perhaps units are two or three axes, but got the shape {numbers.shape}")
    numbers = numbers if numbers.ndim == 3 else numbers[..., None]
    kept = []
    for position, own in enumerate(numbers):
        others = np.delete(numbers, position, axis=0)
        mean, error, freedom = contrast(others - own)
        lead = np.divide(mean, error, out=np.where(mean > 0, np.inf, -np.inf), where=error > 0)
        kept.append(bool((holm(stats.t.sf(lead, freedom)) > level).all()))
    return kept
