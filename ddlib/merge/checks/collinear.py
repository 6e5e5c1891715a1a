"""Columns that are computed from others of the same visit."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from ddlib.merge.checks.warned import Records
from ddlib.merge.warned import Warned

__all__ = ["collinear"]

_COLLINEAR = 0.99
"""Share of a column's variance that the others explain, above which it is called collinear."""
_ROWS = 15
"""Rows in which two or three columns are all measured that it takes to judge them."""


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
    determined = _by_two(parts)
    for part in parts:
        determined |= _by_all(part)
    names = tuple(name for name, told in zip(records.columns, determined.tolist(), strict=True) if told)
    if not names:
        return []
    text = (
        f"{', '.join(map(repr, names))}: determined by the other columns of the same visit to more than {_COLLINEAR:.0%} of the "
        "variance; drop what is computed from other columns."
    )
    return [Warned("collinear", text, names)]


def _standard(values: list[Float[np.ndarray, "n T p"]]) -> list[Float[np.ndarray, "m p"]]:
    """Measurements about each source's own mean, so that an offset hides no relation, in the columns' standard deviations."""
    parts = []
    for part in values:
        rows = part.reshape(-1, part.shape[-1])
        parts.append(rows - np.nansum(rows, 0) / np.maximum((~np.isnan(rows)).sum(0), 1))
    count = sum((~np.isnan(rows)).sum(0) for rows in parts)
    spread = np.sqrt(sum(np.nansum(rows**2, 0) for rows in parts) / np.maximum(count, 1))
    return [rows / np.where(spread > 0, spread, np.nan) for rows in parts]


def _by_two(parts: list[Float[np.ndarray, "m p"]]) -> np.ndarray:
    """Which columns one or two others determine, by the rows that have all of them."""
    variables = parts[0].shape[1]
    determined = np.zeros(variables, dtype=bool)
    for c in range(variables):
        count, aa, ab, ac, cc = (np.sum(sums, axis=0) for sums in zip(*(_products(rows, c) for rows in parts), strict=True))
        bb, bc, enough = aa.T, ac.T, count >= _ROWS
        with np.errstate(divide="ignore", invalid="ignore"):
            loss = 1 - ab**2 / (aa * bb)
            by_one = ac**2 / (aa * cc)
            by_two = (ac**2 * bb + bc**2 * aa - 2 * ab * ac * bc) / (aa * bb * cc * loss)
        other = np.arange(variables) != c
        by_one = by_one.diagonal()[other & enough.diagonal()]
        pairs = enough & (loss > 1e-6) & other & other[:, None] & ~np.eye(variables, dtype=bool)
        determined[c] = bool((by_one > _COLLINEAR).any() or (by_two[pairs] > _COLLINEAR).any())
    return determined


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


def _by_all(rows: Float[np.ndarray, "m p"]) -> np.ndarray:
    """Which columns all others of a source determine, by the rows in which none is missing."""
    keep = (~np.isnan(rows)).any(0).nonzero()[0]
    determined = np.zeros(rows.shape[1], dtype=bool)
    rows = rows[:, keep]
    rows = rows[~np.isnan(rows).any(1)]
    if len(keep) < 2 or len(rows) < 3 * len(keep) or not (rows.std(0) > 0).all():
        return determined
    precision = np.linalg.inv(np.corrcoef(rows.T) + 1e-9 * np.eye(len(keep)))
    determined[keep] = 1 - 1 / precision.diagonal() > _COLLINEAR
    return determined
