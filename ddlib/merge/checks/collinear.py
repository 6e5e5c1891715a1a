"""Columns that are computed from others of the same visit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ddlib.merge.checks.warned import Records
from ddlib.merge.warned import Warned
from ddlib.merge.wording import listed

__all__ = ["collinear"]

_COLLINEAR = 0.99
"""Share of a column's variance that the others explain, above which it is called collinear."""
_ROWS = 15
"""Rows in which two or three columns are all measured that it takes to judge them."""
_EXACT = 1 - 1e-6
"""Share from which columns are told to determine each other without a number."""
_NAMED = 5


class _Relation(NamedTuple):
    """A column, the others that determine it, and the share of its variance that they explain."""

    column: int
    others: tuple[int, ...]
    share: float


def collinear(records: Records) -> list[Warned]:
    """Columns that the others of the same visit determine.

    Every two and every three columns are judged by the rows that have them, however incomplete; larger sets by each source's
    complete rows.

    Args:
        records: the measurements.

    >>> rng = np.random.default_rng(0)
    >>> values = rng.normal(size=(200, 1, 3))
    >>> values[..., 2] = values[..., 0] + values[..., 1]
    >>> values[:60, 0, 0] = values[60:120, 0, 1] = values[120:180, 0, 2] = np.nan
    >>> collinear(Records(["a", "b", "sum"], ["north"], [values]))[0].columns
    ('a', 'b', 'sum')
    """
    parts = _standard(records.values)
    relations = _by_two(parts)
    told = {relation.column for relation in relations}
    for part in parts:
        more = [relation for relation in _by_all(part) if relation.column not in told]
        relations, told = [*relations, *more], told | {relation.column for relation in more}
    if not relations:
        return []
    said = [*_alike(records, relations), *_computed(records.columns, relations)]
    text = f"at one visit, {listed(said, _NAMED)}; drop what is computed from others."
    return [Warned("collinear", text, tuple(records.columns[place] for place in sorted(told)))]


def _alike(records: Records, relations: list[_Relation]) -> list[str]:
    """Groups of columns of which each determines the others, in words."""
    groups: list[set[int]] = []
    for relation in relations:
        if len(relation.others) == 1:
            both = {relation.column, *relation.others}
            joined = both.union(*(group for group in groups if group & both))
            groups = [*(group for group in groups if not group & both), joined]
    said = []
    for group in groups:
        names = listed([repr(records.columns[place]) for place in sorted(group)], _NAMED)
        least = min(relation.share for relation in relations if relation.column in group and len(relation.others) == 1)
        if _same(records, sorted(group)):
            said.append(f"{names} are the same")
        elif least > _EXACT:
            said.append(f"{names} are the same but for a factor and an offset")
        else:
            said.append(f"{names} lie on one straight line ({_percent(least)} of the variance)")
    return said


def _same(records: Records, group: list[int]) -> bool:
    """Whether the columns have the same values wherever two of them were measured."""
    first, *others = group
    for part in records.values:
        for other in others:
            away = np.abs(part[..., first] - part[..., other])
            if np.nanmax(away, initial=0.0) > 1e-9 * np.nanmax(np.abs(part[..., first]), initial=0.0):
                return False
    return True


def _computed(names: list[str], relations: list[_Relation]) -> list[str]:
    """Sets of columns of which one is determined by the others, each in words, by its best determined column."""
    best: dict[frozenset[int], _Relation] = {}
    for relation in relations:
        if len(relation.others) > 1:
            key = frozenset((relation.column, *relation.others))
            if key not in best or relation.share > best[key].share:
                best[key] = relation
    return [
        f"{names[one.column]!r} is a linear combination of {listed([repr(names[other]) for other in one.others], _NAMED)}"
        + ("" if one.share > _EXACT else f" to {_percent(one.share)} of the variance")
        for one in best.values()
    ]


def _percent(share: float) -> str:
    return f"{np.floor(1000 * share) / 10:g} %"


def _standard(values: list[Float[np.ndarray, "n T p"]]) -> list[Float[np.ndarray, "m p"]]:
    """Measurements about each source's own mean, so that an offset hides no relation, in the columns' standard deviations."""
    parts = []
    for part in values:
        rows = part.reshape(-1, part.shape[-1])
        parts.append(rows - np.nansum(rows, 0) / np.maximum((~np.isnan(rows)).sum(0), 1))
    count = sum((~np.isnan(rows)).sum(0) for rows in parts)
    spread = np.sqrt(sum(np.nansum(rows**2, 0) for rows in parts) / np.maximum(count, 1))
    return [rows / np.where(spread > 0, spread, np.nan) for rows in parts]


def _by_two(parts: list[Float[np.ndarray, "m p"]]) -> list[_Relation]:
    """The columns that one or two others determine, by the rows that have all of them: all the ones, or else the best two."""
    variables = parts[0].shape[1]
    found = []
    for c in range(variables):
        count, aa, ab, ac, cc = (np.sum(sums, axis=0) for sums in zip(*(_products(rows, c) for rows in parts), strict=True))
        bb, bc, enough = aa.T, ac.T, count >= _ROWS
        with np.errstate(divide="ignore", invalid="ignore"):
            loss = 1 - ab**2 / (aa * bb)
            by_one = (ac**2 / (aa * cc)).diagonal()
            by_two = (ac**2 * bb + bc**2 * aa - 2 * ab * ac * bc) / (aa * bb * cc * loss)
        other = np.arange(variables) != c
        single = np.flatnonzero(other & enough.diagonal() & (by_one > _COLLINEAR)).tolist()
        found += [_Relation(c, (a,), float(by_one[a])) for a in single]
        pairs = enough & (loss > 1e-6) & other & other[:, None] & ~np.eye(variables, dtype=bool)
        by_two = np.where(pairs & (by_two > _COLLINEAR), by_two, -np.inf)
        if not single and by_two.size and by_two.max() > _COLLINEAR:
            a, b = sorted(int(place) for place in np.unravel_index(by_two.argmax(), by_two.shape))
            found.append(_Relation(c, (a, b), float(by_two.max())))
    return found


def _products(rows: Float[np.ndarray, "m p"], c: int) -> tuple[np.ndarray, ...]:
    """For all a and b: rows of one source that have a, b and column c, and their sums of products about the means of these rows."""
    x, here = np.nan_to_num(rows), (~np.isnan(rows)).astype(float)
    w, y = here[:, c, None], x[:, c, None]
    count = (here * w).T @ here
    with np.errstate(divide="ignore", invalid="ignore"):
        a = np.nan_to_num((x * w).T @ here / count)
        own = np.nan_to_num(here.T @ (here * y) / count)
    aa = (x**2 * w).T @ here - count * a**2
    ab = (x * w).T @ x - count * a * a.T
    ac = (x * y).T @ here - count * a * own
    cc = here.T @ (here * y**2) - count * own**2
    return count, aa, ab, ac, cc


def _by_all(rows: Float[np.ndarray, "m p"]) -> list[_Relation]:
    """The columns that others of a source determine, by the rows in which none is missing; each with as few others as will do."""
    keep = (~np.isnan(rows)).any(0).nonzero()[0]
    rows = rows[:, keep]
    rows = rows[~np.isnan(rows).any(1)]
    if len(keep) < 2 or len(rows) < 3 * len(keep) or not (rows.std(0) > 0).all():
        return []
    correlation = np.corrcoef(rows.T) + 1e-9 * np.eye(len(keep))
    explained = 1 - 1 / np.linalg.inv(correlation).diagonal()
    found = []
    for c in np.flatnonzero(explained > _COLLINEAR).tolist():
        others = _fewest(correlation, c)
        found.append(_Relation(int(keep[c]), tuple(int(keep[other]) for other in others), _explained(correlation, c, others)))
    return found


def _fewest(correlation: Float[np.ndarray, "p p"], c: int) -> list[int]:
    """Predictors of a column, without those that it can do without, the least needed one first."""
    others = [place for place in range(len(correlation)) if place != c]
    while len(others) > 1:
        left = [_explained(correlation, c, [other for other in others if other != one]) for one in others]
        if max(left) <= _COLLINEAR:
            break
        others.pop(int(np.argmax(left)))
    return others


def _explained(correlation: Float[np.ndarray, "p p"], c: int, others: list[int]) -> float:
    """Share of a column's variance that others explain."""
    return float(correlation[c, others] @ np.linalg.solve(correlation[np.ix_(others, others)], correlation[others, c]))
