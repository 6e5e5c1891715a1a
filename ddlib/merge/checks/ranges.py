r"""Synthetic values where no value can be: the mass of the fitted law outside the range that was observed.

Where a column shows a limit, more than 1 % beyond it is told of. It shows one if values pile up there, if it takes few values, or
if it is positive and its lower tail the shorter one. Without such a sign the range of N patients is narrower than the law's by
chance: the mass outside is about :math:`\Gamma(2) / N`, of which more than 10 / N is no chance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from ddlib.merge.checks.warned import Records
from ddlib.merge.warned import Warned

__all__ = ["range_warnings"]

_SHARE = 0.01
"""Mass outside the range that is told of."""
_CHANCE = 10.0
"""Mass outside the range of a column without limits that is told of, times the number of patients."""
_FEW = 12
"""Distinct whole numbers of a column that takes few values."""


class Outside(NamedTuple):
    """The mass of a column's law beyond what was observed.

    Attributes:
        column: its name.
        low, high: the range: a limit where the column shows one, else the least and the largest value.
        below, above: the mass, averaged over visits.
        told: whether it is more than chance and than 1 %.
        positive: whether a logarithm would mend it.
    """

    column: str
    low: float
    high: float
    below: float
    above: float
    told: bool
    positive: bool


def outside(records: Records, mean: Float[np.ndarray, "T p"], deviation: Float[np.ndarray, "T p"]) -> list[Outside]:
    """Compute the mass of a normal law outside the observed range, for every column.

    Args:
        records: the measurements.
        mean, deviation: of the law at each visit, in the columns' own units and the order of the records' columns.
    """
    mean, deviation = np.asarray(mean, dtype=float), np.asarray(deviation, dtype=float)
    found = []
    for j, name in enumerate(records.columns):
        values = records.pooled(j)
        if not len(values):
            continue
        low, low_sure = _limit(values)
        high, high_sure = (-value if place == 0 else value for place, value in enumerate(_limit(-values)))
        positive = bool((values > 0).all())
        if low > 0 and _short(values) and low < 0.5 * np.median(values):
            low = 0.0
        below = float(ndtr((low - mean[:, j]) / deviation[:, j]).mean())
        above = float(ndtr((mean[:, j] - high) / deviation[:, j]).mean())
        least = max(_SHARE, _CHANCE / max(sum(records.measured(j)), 1))
        sure = below * low_sure + above * high_sure
        told = sure > _SHARE or below + above > least
        found.append(Outside(name, low, high, below, above, bool(told), positive and _log_mends(values, below + above)))
    return found


def _log_mends(values: np.ndarray, share: float) -> bool:
    """Whether a normal law of the logarithms has half the mass beyond their range, at most."""
    logs = np.log(values)
    mean, spread = logs.mean(), logs.std()
    beyond = ndtr((logs.min() - mean) / spread) * (not _short(values)) + ndtr((mean - logs.max()) / spread)
    return bool(beyond < 0.5 * share)


def range_warnings(records: Records, mean: Float[np.ndarray, "T p"], deviation: Float[np.ndarray, "T p"]) -> list[Warned]:
    """Columns whose synthetic values leave the observed range.

    Args:
        records: the measurements.
        mean, deviation: as in :func:`outside`.

    >>> sex = np.random.default_rng(0).integers(0, 2, (100, 1, 1)).astype(float)
    >>> warned, = range_warnings(Records(["sex"], ["north"], [sex]), sex.mean(0), sex.std(0))
    >>> warned.text.split(":")[0]
    "32 % of the synthetic values of 'sex' lie outside its range, 0 to 1 (13 % below, 19 % above)"
    """
    found = []
    for one in outside(records, mean, deviation):
        if not one.told:
            continue
        cure = (
            "take its logarithm in all tables before merging"
            if one.positive
            else "do not use it as a measurement, or cut it to the range, which changes its mean and spread"
        )
        text = (
            f"{100 * (one.below + one.above):.2g} % of the synthetic values of {one.column!r} lie outside its range, "
            f"{one.low:.4g} to {one.high:.4g} ({100 * one.below:.2g} % below, {100 * one.above:.2g} % above): {cure}."
        )
        found.append(Warned("outside the range", text, (one.column,)))
    return found


def _limit(values: np.ndarray) -> tuple[float, bool]:
    """The least value, and whether it is a limit rather than where the sample happens to end."""
    distinct = np.unique(values)
    few = len(distinct) <= _FEW and bool((distinct == np.round(distinct)).all()) and len(values) >= 5 * len(distinct)
    few |= len(distinct) <= 2
    return float(distinct[0]), bool(few or _short(values) or _piled(values))


def _short(values: np.ndarray) -> bool:
    """Whether a column is positive and skewed to the right."""
    low, middle, high = np.quantile(values, [0.02, 0.5, 0.98])
    return bool(values.min() >= 0 and middle - low < 0.6 * (high - middle))


def _piled(values: np.ndarray) -> bool:
    """Whether the least value comes more often than its neighbours."""
    distinct, number = np.unique(values, return_counts=True)
    return len(distinct) < 2 or (number[0] >= max(3, 0.01 * len(values)) and number[0] >= number[1])
