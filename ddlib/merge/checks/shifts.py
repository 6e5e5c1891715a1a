r"""Sources that differ from the rest in level, spread or slope.

* **Level**: the mean about the common mean of each visit, so that sources with other visits are not blamed for these.
* **Spread**: :math:`\overline{\sqrt{|x - m_k|}}` about the source's own level, whose square is in proportion to the standard
  deviation; the root makes its law nearly symmetric, and heavy tails harmless.
* **Slope** of one column on another at the same visit, and of one on another at the visit before: the excess over the common slope
  of that pair of visits, by deviations from the source's own means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from ddlib.merge.checks.compare import Estimates, Odd, against, critical, estimate, odd_ones, standardised, tests_in
from ddlib.merge.checks.warned import Records
from ddlib.merge.warned import Warned

__all__ = ["detectable", "levels", "slopes", "spreads"]

_LEVEL = 0.3
"""Difference of means, in standard deviations, that matters."""
_SPREAD = 0.25
"""Difference of log standard deviations that matters: a factor of 1.28."""
_SLOPE = 0.25
"""Difference of slopes, in standard deviations by standard deviation, that matters."""
_KIND = "differs between sources"
_LISTED = 4
"""Columns or pairs that a sentence names."""


def _level_estimates(parts: list[np.ndarray]) -> Estimates:
    return estimate([np.nansum(part, 1) for part in parts], [(~np.isnan(part)).sum(1).astype(float) for part in parts])


def levels(records: Records) -> list[Warned]:
    """Sources whose mean of a column is not the others'.

    Args:
        records: the measurements.

    >>> rng = np.random.default_rng(0)
    >>> tables = [rng.normal(10, 1, (80, 2, 1)) + shift for shift in (0, 0, 2)]
    >>> warned, = levels(Records(["hb"], ["north", "south", "west"], tables))
    >>> warned.text.split(";")[0]
    "west differs from the other sources in its mean: 'hb' is 2 higher (1.5 standard deviations)"
    """
    parts, scale = standardised(records)

    def phrase(quantity: int, difference: float) -> str:
        size = f"{abs(difference) * scale[quantity]:.2g}"
        return f"{records.columns[quantity]!r} is {_plain(size)} {_way(difference)} ({abs(difference):.2g} standard deviations)"

    odd = odd_ones(_level_estimates(parts), _LEVEL)
    return _said(records, odd, "mean", phrase, [(name,) for name in records.columns])


def spreads(records: Records) -> list[Warned]:
    """Sources whose standard deviation of a column is not the others'.

    Args:
        records: the measurements.

    >>> rng = np.random.default_rng(0)
    >>> tables = [rng.normal(10, spread, (80, 2, 1)) for spread in (1, 1, 2)]
    >>> [warned.sources for warned in spreads(Records(["hb"], ["north", "south", "west"], tables))]
    [('west',)]
    """
    parts, _ = standardised(records)
    roots = []
    with np.errstate(invalid="ignore", divide="ignore"):
        for part in parts:
            middle = np.array([_median(part[..., j]) for j in range(part.shape[-1])])
            roots.append(np.abs(part - middle))
        seen = sum((~np.isnan(root)).sum(0) for root in roots)
        common = sum(np.nansum(root, 0) for root in roots) / seen
        roots = [root / common for root in roots]
    sizes = [(~np.isnan(root)).sum(1).astype(float) for root in roots]
    ratio = estimate([np.nansum(root, 1) for root in roots], sizes)
    found = Estimates(np.log(ratio.value), ratio.variance / ratio.value**2, ratio.freedom)

    def phrase(quantity: int, difference: float) -> str:
        return f"that of {records.columns[quantity]!r} is {np.exp(abs(difference)):.2g} times as {_large(difference)}"

    return _said(records, odd_ones(found, _SPREAD), "standard deviation", phrase, [(name,) for name in records.columns])


def slopes(records: Records) -> list[Warned]:
    """Sources in which a column goes with another of the same visit, or with one of the visit before, otherwise than elsewhere.

    Args:
        records: the measurements.

    >>> rng = np.random.default_rng(0)
    >>> x = [rng.normal(0, 1, (100, 1)) for _ in range(3)]
    >>> tables = [np.stack([a, sign * a + rng.normal(0, 1, a.shape)], -1) for a, sign in zip(x, (1, 1, -1))]
    >>> [warned.sources for warned in slopes(Records(["alt", "ast"], ["north", "south", "west"], tables))]
    [('west',)]
    """
    parts = [_about_own_means(part) for part in standardised(records)[0]]
    values, names, told = [], [], []
    for lag in (0, 1):
        for i, excess in _slopes(parts, lag):
            for j, name in enumerate(records.columns):
                if lag or i != j:
                    values.append([table[:, j] for table in excess])
                    names.append((records.columns[i],) if i == j else (records.columns[i], name))
                    told.append(f"{name!r} on {records.columns[i]!r}{' at the visit before' * lag}")
    if not values:
        return []
    found = Estimates(*(np.stack([one[m] for one in values], 1) for m in range(3)))

    def phrase(quantity: int, difference: float) -> str:
        return f"{told[quantity]} ({abs(difference):.2f} {_way(difference)})"

    return _said(records, odd_ones(found, _SLOPE), "slopes (in standard deviations)", phrase, names)


def _about_own_means(part: np.ndarray) -> np.ndarray:
    """A source's measurements about its own mean at each visit."""
    seen = (~np.isnan(part)).sum(0)
    return np.where(seen >= 5, part - np.nansum(part, 0) / np.maximum(seen, 1), np.nan)


def _slopes(parts: list[np.ndarray], lag: int) -> Iterator[tuple[int, Estimates]]:
    """For each column: the excess slopes of all columns on it."""
    visits, variables = parts[0].shape[1:]
    if visits <= lag:
        return
    filled = [np.nan_to_num(part) for part in parts]
    masks = [(~np.isnan(part)).astype(float) for part in parts]
    for i in range(variables):
        early = slice(0, visits - lag)
        x = [part[:, early, i, None] for part in filled]
        y = [part[:, lag:] for part in filled]
        square = [a**2 * mask[:, lag:] for a, mask in zip(x, masks, strict=True)]
        product = [a * b for a, b in zip(x, y, strict=True)]
        with np.errstate(divide="ignore", invalid="ignore"):
            common = np.nan_to_num(sum(one.sum(0) for one in product) / sum(one.sum(0) for one in square))
        sizes = [one.sum(1) for one in square]
        sums = [(a - common * b).sum(1) for a, b in zip(product, square, strict=True)]
        yield i, estimate(sums, sizes)


def _median(values: np.ndarray) -> float:
    seen = values[~np.isnan(values)]
    return float(np.median(seen)) if len(seen) else np.nan


def _plain(size: str) -> str:
    """A number of two digits without an exponent where that is short."""
    return f"{float(size):g}" if abs(float(size)) < 1e5 and "e" in size else size


def _way(difference: float) -> str:
    return "higher" if difference > 0 else "lower"


def _large(difference: float) -> str:
    return "large" if difference > 0 else "small"


def _said(
    records: Records, odd: list[Odd], what: str, phrase: Callable[[int, float], str], names: Sequence[tuple[str, ...]]
) -> list[Warned]:
    """One warning for each source, or for each group of sources that disagree, about all quantities in which it is odd."""
    groups: dict[tuple[tuple[int, ...], bool], list[tuple[int, float]]] = {}
    for one in odd:
        if one.rest:
            for k, difference in zip(one.sources, one.difference, strict=True):
                groups.setdefault(((k,), True), []).append((one.quantity, difference))
        else:
            groups.setdefault((tuple(one.sources), False), []).append((one.quantity, one.difference[-1]))
    found = []
    for (places, alone), about in groups.items():
        about = sorted(about, key=lambda pair: -abs(pair[1]))
        listed = ", ".join(phrase(quantity, difference) for quantity, difference in about[:_LISTED])
        more = f" and {len(about) - _LISTED} more" if len(about) > _LISTED else ""
        sources = tuple(records.sources[k] for k in places)
        if alone:
            start = f"{sources[0]} differs from the other sources in its {what}"
        else:
            start = f"{' and '.join(sources)} differ in their {what} (which is right cannot be told; said of {sources[-1]})"
        columns = tuple(dict.fromkeys(name for quantity, _ in about for name in names[quantity]))
        text = f"{start}: {listed}{more}; check the units, and whether the patients are comparable."
        found.append(Warned(_KIND, text, columns, sources))
    return found


class Detectable(NamedTuple):
    """The shift of one source's mean that would have been seen in four of five samples of this size.

    Attributes:
        source, column: their names.
        patients: of the source who have the column.
        deviations: the shift in standard deviations of the column.
        shift: the same in the column's unit.
    """

    source: str
    column: str
    patients: int
    deviations: float
    shift: float


def detectable(records: Records) -> list[Detectable]:
    r"""What shift :func:`levels` would have seen with a power of 80 %: :math:`\max(c\,s, \delta) + z_{0.8} s`.

    Here s is the standard error of the difference from the other sources, c the critical value, and δ the least shift that is told
    of. Sources that cannot be compared are left out.

    Args:
        records: the measurements.

    >>> rng = np.random.default_rng(0)
    >>> one, *_ = detectable(Records(["hb"], ["north", "south"], [rng.normal(10, 2, (80, 1, 1)) for _ in range(2)]))
    >>> one.source, one.patients, round(one.deviations, 1)
    ('north', 80, 0.6)
    """
    parts, scale = standardised(records)
    found = _level_estimates(parts)
    tests, everybody, listed = tests_in(found), range(len(parts)), []
    for k in everybody:
        _, variance, freedom = against(found, k, [j for j in everybody if j != k])
        error = np.sqrt(variance)
        size = np.maximum(critical(tests, freedom) * error, _LEVEL) + ndtri(0.8) * error
        for j, name in enumerate(records.columns):
            if np.isfinite(size[j]):
                listed.append(
                    Detectable(records.sources[k], name, records.measured(j)[k], float(size[j]), float(size[j] * scale[j]))
                )
    return listed
