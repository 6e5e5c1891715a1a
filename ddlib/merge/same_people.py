"""The same patients in two tables, or different ones with the same names.

Two tables that share many names may be two exports of one hospital. What both measured, at the same time of the same name, tells:
the share A of values that agree, against the share C that would by chance (each value beside other patients' of that time), as
Cohen's κ = (A − C) / (1 − C). They are

- the same patients, if values of a column that changes agree (κ of 0.7 or more);
- else different ones, if some column neither agrees (κ of 0.4 or less) nor is correlated at equal times;
- else the same, if what never changes agrees, and different if nothing does and the patients' means are not correlated either.

Where too little can be compared, or this leaves it open, only the user knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Int
from scipy.stats import rankdata

from ddlib.merge.people import are_running
from ddlib.merge.tables import Table

_FEWEST, _SHARE = 10, 0.5
"""Names in common, and their share of the smaller table's, from which on the question is asked."""
_SAME, _DIFFERENT = 0.7, 0.4
_ENOUGH = 5.0
"""Comparisons, less those that would agree by chance, that it takes to tell."""
_UNRELATED, _RELATED, _SURE = 0.3, 0.5, 4.0
"""Correlation of ranks: up to the first, a column is not correlated; above the second, and so many standard errors, means are."""
_TOLERANCE = 0.01
"""Values agree that differ by less than this share of the column's interquartile range: exports are rounded."""


class Pair(NamedTuple):
    """Two tables that share names.

    Attributes:
        first, second: the tables' names.
        shared: how many patients' names both have.
        many: whether these are so many that it may be one hospital.
        verdict: whether they are the same patients.
        agreement: the share of the compared values that agree; None where none could be compared.
        running: whether both merely number their patients from 0 or 1 on, and nothing speaks for one numbering.
        common: whether they have a column in common.
    """

    first: str
    second: str
    shared: int
    many: bool
    verdict: Literal["same", "different", "unknown"]
    agreement: float | None
    running: bool
    common: bool


def compare(tables: Mapping[str, Table], first: str, second: str) -> Pair | None:
    """Compare two tables that share names of patients; None if they do not."""
    one, two = tables[first], tables[second]
    shared = sorted(set(one.names) & set(two.names))
    if not shared:
        return None
    many = len(shared) >= max(_FEWEST, _SHARE * min(len(one.names), len(two.names)))
    both, common = _both(one, two, shared), sorted(set(one.cells) & set(two.cells))
    compared = [_agreement(one, two, shared, both, name) for name in common]
    related = any(_related(one, two, shared, name) for name in common)
    count = sum(column.number for column in compared)
    agreement = sum(column.agree for column in compared) / count if count else None
    running = are_running(one.names) and are_running(two.names) and not related
    known = bool(common) or len(tables) > 2
    return Pair(first, second, len(shared), many, _verdict(compared, related), agreement, running and known, bool(common))


def _verdict(compared: list[_Agreement], related: bool) -> Literal["same", "different", "unknown"]:
    if any(column.changes and column.tells and column.kappa >= _SAME for column in compared):
        return "same"
    if any(column.tells and column.kappa <= _DIFFERENT and column.correlation <= _UNRELATED for column in compared):
        return "different"
    total = _Agreement(
        number=sum(column.number for column in compared),
        agree=sum(column.agree for column in compared),
        chance=sum(column.chance for column in compared),
        changes=False,
        correlation=0.0,
    )
    if total.tells and total.kappa >= _SAME:
        return "same"
    return "different" if total.tells and total.kappa <= _DIFFERENT and not related else "unknown"


class _Both(NamedTuple):
    """Rows of two tables that have the same name and time, sorted by time, with the number of that time."""

    left: Int[np.ndarray, " n"]
    right: Int[np.ndarray, " n"]
    time: Int[np.ndarray, " n"]


def _both(one: Table, two: Table, shared: list[str]) -> _Both:
    code = {name: number for number, name in enumerate(shared)}
    times = np.unique(np.concatenate([one.times, two.times]))
    keys: list[np.ndarray] = []
    for table in (one, two):
        person = np.array([code.get(name, -1) for name in table.names])[table.patient]
        key = np.searchsorted(times, table.times) * len(shared) + person
        keys.append(np.where(person < 0, -1 - len(keys), key))  # rows of other patients match none
    key, left, right = np.intersect1d(keys[0], keys[1], return_indices=True)
    shares = key >= 0
    return _Both(left[shares], right[shares], key[shares] // max(len(shared), 1))


class _Agreement(NamedTuple):
    """What one column says of two tables.

    Attributes:
        number: values that can be compared.
        agree, chance: how many agree, and how many would by chance.
        changes: whether the column changes within a patient.
        correlation: of the ranks of the compared values, less those of their time.
    """

    number: float
    agree: float
    chance: float
    changes: bool
    correlation: float

    @property
    def tells(self) -> bool:
        """Whether there is enough to compare."""
        return self.number - self.chance >= _ENOUGH

    @property
    def kappa(self) -> float:
        """Cohen's κ."""
        return (self.agree - self.chance) / (self.number - self.chance)


def _agreement(one: Table, two: Table, shared: list[str], both: _Both, name: str) -> _Agreement:
    x, y, time = one.cells[name].numbers[both.left], two.cells[name].numbers[both.right], both.time
    constant = [_is_constant(table, name) for table in (one, two)]
    if np.isnan(x + y).all() and all(constant):
        x, y, time = _means(one, shared, name), _means(two, shared, name), np.zeros(len(shared), dtype=int)
    seen = ~np.isnan(x + y)
    x, y, time = x[seen], y[seen], np.unique(time[seen], return_inverse=True)[1]
    if not len(x):
        return _Agreement(0.0, 0.0, 0.0, False, 0.0)
    if len(x) < 5 * (time[-1] + 1):  # hardly two patients of one time
        time = np.zeros(len(x), dtype=int)
    near = max(_TOLERANCE * float(np.subtract(*np.quantile(np.concatenate([x, y]), [0.75, 0.25]))), 1e-12 * float(np.abs(x).max()))
    size, start = np.bincount(time), np.searchsorted(time, np.arange(time[-1] + 1))
    rank, chance = np.arange(len(x)) - start[time], []
    for shift in range(1, min(20, 10_000 // len(x)) + 2):
        other = shift % size[time] > 0
        partner = start[time] + (rank + shift) % size[time]
        chance.append((np.abs(x - y[partner]) <= near)[other])
    expected = float(np.concatenate(chance).mean()) if any(map(len, chance)) else 0.0
    agree = float((np.abs(x - y) <= near).sum())
    return _Agreement(float(len(x)), agree, expected * len(x), not any(constant), _rank_correlation(x, y, time))


def _rank_correlation(x: np.ndarray, y: np.ndarray, time: np.ndarray) -> float:
    ranks = np.array([rankdata(x), rankdata(y)])
    ranks -= np.array([np.bincount(time, weights=row) for row in ranks])[:, time] / np.bincount(time)[time]
    return 0.0 if (ranks.std(1) < 1e-9).any() else float(np.corrcoef(ranks)[0, 1])


def _is_constant(table: Table, name: str) -> bool:
    """Whether a column was measured several times in some patients, and never changes within one."""
    seen = table.cells[name].exact
    patient, values = table.patient[seen], table.cells[name].lower[seen]
    same = np.diff(patient) == 0
    return int(same.sum()) >= 3 and not bool((np.diff(values)[same] != 0).any())


def _related(one: Table, two: Table, shared: list[str], name: str) -> bool:
    """Whether the patients' means of a column are correlated between two tables."""
    left, right = (_means(table, shared, name) for table in (one, two))
    seen = ~np.isnan(left + right)
    if seen.sum() < _FEWEST:
        return False
    correlation = min(_rank_correlation(left[seen], right[seen], np.zeros(int(seen.sum()), dtype=int)), 0.999999)
    return correlation > _RELATED and np.arctanh(correlation) * np.sqrt(seen.sum() - 3) > _SURE


def _means(table: Table, shared: list[str], name: str) -> np.ndarray:
    seen = table.cells[name].exact
    patient, values = table.patient[seen], table.cells[name].lower[seen]
    count = np.bincount(patient, minlength=len(table.names))
    total = np.bincount(patient, weights=values, minlength=len(table.names))
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    place = {who: number for number, who in enumerate(table.names)}
    return mean[[place[who] for who in shared]]
