r"""Which source is unlike the others? A quantity's estimate in each source against that of the rest.

Every quantity is a ratio :math:`\theta = \sum_i u_i / \sum_i d_i` over the patients of a source, who are independent, whatever
their visits have in common. With the errors :math:`\epsilon_i = (u_i - \theta d_i) / (1 - d_i / \sum d)` that leaving a patient
out makes, its variance is :math:`\sum_i \epsilon_i^2 / (\sum d)^2`, and it is worth :math:`(\sum d)^2 / \sum d^2 - 1` degrees of
freedom (Welch 1947 for the difference of two).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import stdtr, stdtrit

from ddlib.merge.checks.warned import Records

_FALSE_ALARM = 0.003
"""Chance, under the hypothesis that all sources are alike, of any warning from one family of tests."""
_PATIENTS = 10
"""A source with fewer patients is not compared."""
_CLIP = 5.0
"""Distance from the median, in robust standard deviations, to which values farther out are drawn in: they would decide alone."""


class Estimates(NamedTuple):
    """One quantity a column of these tables, one source a row; not-a-number where a source does not tell.

    Attributes:
        value, variance: of the estimates.
        freedom: degrees of freedom.
    """

    value: Float[np.ndarray, "K q"]
    variance: Float[np.ndarray, "K q"]
    freedom: Float[np.ndarray, "K q"]


class Odd(NamedTuple):
    """Sources that are unlike the rest in one quantity.

    Attributes:
        quantity: its place.
        sources: places of the odd ones.
        rest: places of the others; empty where no majority agrees.
        difference: of the odd ones from the rest (of the first from the second where there is no rest).
    """

    quantity: int
    sources: list[int]
    rest: list[int]
    difference: list[float]


def estimate(sums: list[Float[np.ndarray, "n q"]], sizes: list[Float[np.ndarray, "n q"]]) -> Estimates:
    """Ratio estimates and their variances: see the module.

    Args:
        sums, sizes: u and d of each source's patients; d = 0 for a patient who says nothing.
    """
    shape = (len(sums), sums[0].shape[1])
    value, variance, freedom = (np.full(shape, np.nan) for _ in range(3))
    for k, (u, d) in enumerate(zip(sums, sizes, strict=True)):
        total = d.sum(0)
        enough = ((d > 0).sum(0) >= _PATIENTS) & (total > 0)
        if not enough.any():
            continue
        u, d, total = u[:, enough], d[:, enough], total[enough]
        ratio = u.sum(0) / total
        errors = (u - ratio * d) / (1 - np.minimum(d / total, 0.9))
        value[k, enough] = ratio
        variance[k, enough] = np.maximum((errors**2).sum(0) / total**2, 1e-12)
        freedom[k, enough] = np.maximum(total**2 / (d**2).sum(0) - 1, 2)
    return Estimates(value, variance, freedom)


def against(found: Estimates, source: int, rest: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Difference of a source from the rest, its variance and degrees of freedom, for every quantity."""
    weight = np.nan_to_num(1 / found.variance[rest])
    total = weight.sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.nansum(weight * np.nan_to_num(found.value[rest]), 0) / total
        own, other = found.variance[source], 1 / total
        parts = np.nansum((weight / total) ** 4 * found.variance[rest] ** 2 / found.freedom[rest], 0)
        freedom = (own + other) ** 2 / (own**2 / found.freedom[source] + parts)
    return found.value[source] - value, own + other, freedom


def critical(tests: int, freedom: Float[np.ndarray, " q"]) -> Float[np.ndarray, " q"]:
    """The distance in standard errors above which one of so many tests says that there is a difference (Bonferroni).

    >>> critical(10, np.array([1000.0])).round(1).tolist()
    [3.6]
    """
    return -stdtrit(freedom, _FALSE_ALARM / (2 * max(tests, 1)))


def tests_in(found: Estimates) -> int:
    """How many comparisons of a source with the rest the estimates allow."""
    known = ~np.isnan(found.value)
    return int(known[:, known.sum(0) > 1].sum())


def odd_ones(found: Estimates, least: float) -> list[Odd]:
    """Quantities in which sources are unlike the rest.

    While any source differs significantly from the rest, the one is set apart without which the others agree best; of the last
    two that differ, neither can be told to be the odd one.

    Args:
        found: the estimates.
        least: difference that matters.
    """
    tests, odd = tests_in(found), []
    known = ~np.isnan(found.value)
    everybody = list(range(len(found.value)))
    suspicious = np.zeros(found.value.shape[1], dtype=bool)
    for k in everybody:
        suspicious |= _differs(found, k, [other for other in everybody if other != k], tests, least)
    for quantity in suspicious.nonzero()[0].tolist():
        one = Estimates(*(table[:, [quantity]] for table in found))
        left = known[:, quantity].nonzero()[0].tolist()
        blamed: list[int] = []
        while len(left) > 1 and any(_differs(one, k, [j for j in left if j != k], tests, least)[0] for k in left):
            if len(left) == 2:
                blamed, left = [*left, *blamed], []
            else:
                worst = min(left, key=lambda k: _disagreement(one, [j for j in left if j != k]))
                blamed, left = [*blamed, worst], [j for j in left if j != worst]
        if len(blamed) >= len(left):  # no majority
            blamed, left = sorted([*blamed, *left]), []
        values = found.value[:, quantity]
        if left:
            middle = np.average(values[left], weights=1 / found.variance[left, quantity])
            difference = [float(values[k] - middle) for k in blamed]
        else:
            blamed = sorted(blamed, key=lambda k: values[k])
            difference = [float(values[k] - values[blamed[0]]) for k in blamed]
        odd.append(Odd(quantity, blamed, left, difference))
    return odd


def _differs(found: Estimates, source: int, rest: list[int], tests: int, least: float) -> Bool[np.ndarray, " q"]:
    difference, variance, freedom = against(found, source, rest)
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.abs(difference) / np.sqrt(variance)
        tail = 2 * stdtr(freedom, -far)
    return (np.abs(difference) >= least) & (tail < _FALSE_ALARM / max(tests, 1))


def _disagreement(found: Estimates, sources: list[int]) -> float:
    """Cochran's Q of some sources' estimates of one quantity."""
    value, weight = found.value[sources, 0], 1 / found.variance[sources, 0]
    return float((weight * (value - (weight * value).sum() / weight.sum()) ** 2).sum())


def standardised(records: Records) -> tuple[list[Float[np.ndarray, "n T p"]], Float[np.ndarray, " p"]]:
    """Measurements about the mean of all sources at the visit, in each column's standard deviation about it, and the latter.

    Values far out are drawn in. Cells of visits at which a single source measures the column are left out (not-a-number): there
    is nothing to compare them with.
    """
    variables = len(records.columns)
    scale = np.ones(variables)
    parts = [part.copy() for part in records.values]
    for j in range(variables):
        own = [part[..., j] for part in parts]
        _clip(own)
        seen = np.array([(~np.isnan(part)).sum(0) for part in own])
        shared = (seen >= 3).sum(0) > 1
        total = np.maximum(seen.sum(0), 1)
        mean = sum(np.nansum(part, 0) for part in own) / total
        squares = sum(np.nansum((part - mean) ** 2, 0) for part in own)
        count = total[shared].sum()
        scale[j] = np.sqrt(squares[shared].sum() / count) if count and squares[shared].sum() > 0 else 1.0
        for part in own:
            part[:] = np.where(shared, (part - mean) / scale[j], np.nan)
    return parts, scale


def _clip(own: list[np.ndarray]) -> None:
    """Draw in what is far from the median of its visit, in place."""
    everything = np.concatenate(own)
    if np.isnan(everything).all():
        return
    middle = np.array([np.median(column[~np.isnan(column)]) if not np.isnan(column).all() else 0.0 for column in everything.T])
    away = (everything - middle)[~np.isnan(everything)]
    low, high = np.quantile(away, [0.25, 0.75])
    spread = (high - low) / 1.349
    if spread > 0:
        for part in own:
            np.clip(part, middle - _CLIP * spread, middle + _CLIP * spread, out=part)
