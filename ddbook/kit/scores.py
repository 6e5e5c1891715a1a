"""Scores of a tidy table: which rows are meant, what they are compared with pair by pair, and an estimate over repetitions.

Prose, tables and the ledger of claims measure with the same :class:`Score`.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from ddlib.statistics import Estimate, Number, estimate, median_coverage, quoted

Condition = str | Mapping[str, Any]
"""Which rows: a pandas query, or the value of each column; a list, a tuple or a set of values is any of them."""

STATISTICS = ("mean", "median", "geometric_mean")
REPEATS = (None, "mean", "median")
MOST = 12
"""So many known names does a message list."""


class ScoreError(ValueError):
    """A score cannot be computed from a table; the message is one sentence that says why."""


class NoRows(ScoreError):
    """No row has all the values of a mapping, although each of them is in the table.

    A query without rows is a plain :class:`ScoreError`: its values are not looked up, so that it may as well be misspelt.
    """


@dataclass(frozen=True)
class Score:
    """A column over some rows of a table, alone or against other rows of the same table, summarised over repetitions.

    Nothing drops out unseen: rows that repeat all keys, pairs of which one side is missing, values that are not finite and queries
    that a missing number leaves open are refused.

    Attributes:
        value: the column that is measured.
        rows: which rows; of several conditions in a list, the results are added pair by pair.
        minus: the same for rows that are subtracted.
        over: the same for rows by which is divided; then every ratio has to be positive.
        by: the columns that tell one independent repetition from another; these are counted.
        across: more columns by which rows are paired (problems, learners); each repetition is averaged over them, by the geometric
            mean where that is the statistic.
        statistic: how the repetitions are summarised.
        repeats: what stands for rows that agree in all of ``by`` and ``across`` (networks that were trained on one set).

    Raises:
        ScoreError: if the fields contradict each other, or statistic or repeats is none of those listed.

    >>> table = pd.DataFrame({"method": list("aabb"), "seed": [0, 1, 0, 1], "error": [1.0, 2.0, 4.0, 8.0]})
    >>> Score("error", {"method": "a"}, over={"method": "b"}, statistic="median").evaluate(table)
    Estimate(value=0.25, low=0.25, high=0.25, n=2)
    """

    value: str
    rows: Condition | Sequence[Condition] = field(default_factory=dict)
    minus: Condition | Sequence[Condition] | None = None
    over: Condition | Sequence[Condition] | None = None
    by: tuple[str, ...] = ("seed",)
    across: tuple[str, ...] = ()
    statistic: Literal["mean", "median", "geometric_mean"] = "mean"
    repeats: Literal["mean", "median"] | None = None

    def __post_init__(self) -> None:
        if self.statistic not in STATISTICS:
            raise ScoreError(f"there is no statistic {self.statistic!r}: choose {_listed(STATISTICS)}")
        if self.repeats not in REPEATS:
            raise ScoreError(f"repeats cannot be {self.repeats!r}: choose {_listed(REPEATS)}")
        if isinstance(self.by, str) or isinstance(self.across, str):
            raise ScoreError("by and across are tuples of columns: give ('seed',) for 'seed'")
        if len({*self.by, *self.across}) < len(self.by) + len(self.across):
            raise ScoreError(f"a column is twice in by and across ({_listed([*self.by, *self.across])}): give each once")
        if self.minus is not None and self.over is not None:
            raise ScoreError("a score is a difference or a ratio, not both: give minus or over")
        if self.minus is not None and self.statistic == "geometric_mean":
            raise ScoreError("differences have no geometric mean: give over, or another statistic")
        if not self.by:
            raise ScoreError("a score needs the columns that tell one repetition from another: give by")

    def evaluate(self, table: pd.DataFrame) -> Estimate:
        """The statistic over repetitions with its 95 % interval (:func:`ddlib.statistics.estimate`).

        Raises:
            ScoreError: if the table lacks a column, a value or rows, if rows do not pair one to one, or values have no such score.
        """
        repetitions = self._repetitions(table)
        if self.statistic != "geometric_mean":
            return estimate(repetitions, self.statistic)
        logs = estimate(repetitions)
        return Estimate(math.exp(logs.value), math.exp(logs.low), math.exp(logs.high), logs.n)

    def values(self, table: pd.DataFrame) -> pd.Series:
        """One value for each repetition, in the order of ``by``.

        Raises:
            ScoreError: as :meth:`evaluate`.
        """
        if not self.across:
            return self._pairs(table)
        repetitions = self._repetitions(table)
        return repetitions.map(math.exp) if self.statistic == "geometric_mean" else repetitions

    def _repetitions(self, table: pd.DataFrame) -> pd.Series:
        """One value for each repetition; logarithms for the geometric mean."""
        pairs = self._pairs(table)
        if self.statistic == "geometric_mean":
            if not (pairs > 0).all():
                raise ScoreError(f"{self.value} is not positive in some pair, and so has no geometric mean")
            pairs = pairs.map(math.log)
        if not self.across:
            return pairs
        by: Any = list(self.by)
        grouped, partners = pairs.groupby(level=by), pairs.index.droplevel(by).nunique()
        if not all(size == partners for size in grouped.size()):
            raise ScoreError(f"some {_listed(self.by)} lacks a row that others have: give each every {_listed(self.across)}")
        return grouped.mean()

    def _pairs(self, table: pd.DataFrame) -> pd.Series:
        """The value, the difference or the ratio of each pair, in the order of the keys."""
        if table.empty:
            raise ScoreError("the table has no rows, and so no score: record it first")
        ours = self._sum(self.rows, table)
        if self.minus is not None:
            return ours - self._partners(self.minus, ours, table)
        if self.over is None:
            return ours
        ratios = ours / self._partners(self.over, ours, table)
        if not ((ratios > 0) & np.isfinite(ratios)).all():
            raise ScoreError(f"a ratio of {self.value} is not positive and finite: compare by minus instead")
        return ratios

    def _partners(self, conditions: Condition | Sequence[Condition], ours: pd.Series, table: pd.DataFrame) -> pd.Series:
        theirs = self._sum(conditions, table)
        self._check_partners(ours, theirs)
        return theirs

    def _sum(self, conditions: Condition | Sequence[Condition], table: pd.DataFrame) -> pd.Series:
        """The value by its keys, added over several conditions."""
        listed = [conditions] if isinstance(conditions, str | Mapping) else list(conditions)
        if not listed:
            raise ScoreError("a list of conditions is empty: give one at least")
        first, *others = (self._column(condition, table) for condition in listed)
        for other in others:
            self._check_partners(first, other)
            first = first + other
        return first

    def _column(self, condition: Condition, table: pd.DataFrame) -> pd.Series:
        """The value in the rows of one condition, by its keys."""
        keys = [*self.by, *self.across]
        for column in (self.value, *keys):
            _check_column(column, table)
        chosen = select(table, condition, list(dict.fromkeys([self.value, *keys])))
        values = pd.to_numeric(chosen[self.value], errors="coerce").astype(float)
        if not np.isfinite(values).all() or chosen[keys].isna().any(axis=None):
            raise ScoreError(f"{self.value} or one of {_listed(keys)} is not finite in some row with {_words(condition)}")
        if self.repeats is None and chosen.duplicated(keys).any():
            raise ScoreError(
                f"several rows with {_words(condition)} have the same {_listed(keys)}: narrow the rows, or give repeats"
            )
        return values.groupby([chosen[key] for key in keys]).agg(self.repeats or "mean")

    def _check_partners(self, ours: pd.Series, theirs: pd.Series) -> None:
        alone = ours.index.symmetric_difference(theirs.index, sort=False)
        if len(alone):
            raise ScoreError(f"{_listed([*self.by, *self.across])} {alone[0]} is on one side of the comparison only")


def select(table: pd.DataFrame, condition: Condition, columns: list[str] | None = None) -> pd.DataFrame:
    """The rows of a table that meet a condition; of these columns only, if all would take long.

    Raises:
        NoRows: if there are none, although every value of a mapping is there.
        ScoreError: if a column or a value of a mapping is not there; if a query is no condition, has no rows or is open for one.
    """
    mask = _asked(table, condition) if isinstance(condition, str) else _matched(table, condition)
    if not mask.any():
        if isinstance(condition, str):
            raise ScoreError(f"the table has no rows with {condition}: were they not run, or is a value misspelt?")
        raise NoRows(f"the table has no rows with {_words(condition)}")
    return table[mask] if columns is None else table.loc[mask, columns]


def grid(rows: Iterable[str], columns: Mapping[str, Any], cell: Callable[[str, Any], str], missing: str = "–") -> pd.DataFrame:
    """A table for the page: one text in each cell, and ``missing`` where the scores have no such rows.

    Args:
        rows: their names.
        columns: the name of each and what it stands for.
        cell: what a row's name and a column's meaning give (a :class:`Score`, evaluated and :func:`shown`).
        missing: what stands where a combination was not run.

    Raises:
        ScoreError: as :meth:`Score.evaluate`; a value that is nowhere in the scores, and a query
            without rows, is no missing combination.
    """

    def text(row: str, column: Any) -> str:
        try:
            return cell(row, column)
        except NoRows:
            return missing

    return pd.DataFrame({row: {name: text(row, column) for name, column in columns.items()} for row in rows}).T


def shown(score: Estimate, digits: str = ".3g", ends: str | None = None, between: str = " to ") -> str:
    """A value, and its interval where there is one.

    Args:
        score: the estimate.
        digits: the format of the value.
        ends: that of the ends of the interval, if another.
        between: what stands between the ends.

    >>> shown(estimate([0.1, 0.2, 0.3], "median"))
    '0.2 (0.1 to 0.3)'
    """
    ends = ends or digits
    interval = f" ({score.low:{ends}}{between}{score.high:{ends}})" if score.n > 1 else ""
    return f"{score.value:{digits}}{interval}"


def interval_name(n: int) -> str:
    """What stands between the brackets after a median of n values: fewer than six give their range, not a 95 % interval."""
    return "95 % interval" if median_coverage(n) >= 0.95 else "range"


def quoted_median(score: Estimate, unit: str = "") -> Number:
    """A median for the prose, with an interval only where that covers with 95 %: fewer than six values have a range.

    >>> quoted_median(estimate([1.0, 2.0, 4.0], "median"))
    Number(value=2.0, low=None, high=None, n=3, unit='')
    """
    covered = median_coverage(score.n) >= 0.95
    return quoted(score, unit) if covered else Number(score.value, n=score.n, unit=unit)


def _asked(table: pd.DataFrame, query: str) -> pd.Series:
    named = table[[column for column in table.columns if str(column) in query]]  # looking through all takes long
    if named.isna().any(axis=None):
        named = named.convert_dtypes()  # where NaN < 1 is open, not false
    try:
        mask = named.eval(query)
    except pd.errors.UndefinedVariableError as error:
        name = str(error).split("'")[1]
        raise ScoreError(f"the table cannot be asked for {query!r}: it has no column {name}{_meant(name, table.columns)}") from None
    except Exception as error:  # pandas raises whatever its parser meets
        raise ScoreError(f"the table cannot be asked for {query!r} ({error})") from None
    if not (isinstance(mask, pd.Series) and pd.api.types.is_bool_dtype(mask)):
        raise ScoreError(f"{query!r} is no condition on rows")
    if mask.isna().any():
        raise ScoreError(f"some row lacks a number that {query!r} compares: leave such rows out by `column.notna() and …`")
    return mask.astype(bool)


def _matched(table: pd.DataFrame, values: Mapping[str, Any]) -> pd.Series:
    mask = pd.Series(True, table.index)
    for column, wanted in values.items():
        _check_column(column, table)
        several = list(wanted) if isinstance(wanted, list | tuple | set | frozenset) else [wanted]
        if not several or any(map(pd.api.types.is_list_like, several)):
            raise ScoreError(f"{column} cannot be {wanted!r}: give one value, or some in a list")
        for value in several:
            if not (table[column] == value).any():
                raise ScoreError(f"no row has {column} {value!r}{_meant(value, table[column].unique())}")
        mask &= table[column].isin(several)
    return mask


def _check_column(name: str, table: pd.DataFrame) -> None:
    if name not in table:
        raise ScoreError(f"the table has no column {name}{_meant(name, table.columns)}")


def _meant(name: Any, known: Iterable[Any]) -> str:
    """The known name nearest to one that is not known, as the end of a sentence."""
    names = [str(other) for other in known]
    near = difflib.get_close_matches(str(name), names, n=1)
    return f": did you mean {near[0]!r}?" if near else f": it has {_listed(names[:MOST])}{' …' * (len(names) > MOST)}"


def _words(condition: Condition) -> str:
    if isinstance(condition, str):
        return condition
    return " and ".join(f"{column} == {value!r}" for column, value in condition.items()) or "any value"


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(map(str, names))
