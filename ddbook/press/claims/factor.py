"""Whether the arms of a comparison differ in what it names and in nothing else: by the settings that their trials noted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import pandas as pd

from ddbook.kit.scores import ScoreError, select
from ddbook.press.claims.ledger import Statistic
from ddlib.settings import is_setting

DRAWN = "trial.generator"
"""No setting: other random numbers are what repetitions are made of."""
ON_THE_WAY = ("trial.start", "trial.steps")
"""Settings of a descent: of arms that both take steps."""
SIZED = ("trial.units", "trial.start")
"""Settings that cannot be the same where other budgets were asked for."""
NOTED = ("method.", "task.", "trial.")
"""What the trial of a method notes; rows of no method (all the training data) have none of it."""
Values: TypeAlias = "dict[object, set[str]] | str | None"
"""What stands in a column of one arm: for each pair, the same everywhere, or nothing."""


class _Arm:
    """The rows on one side of a comparison.

    Args:
        rows: of the table.
        keys: the columns by which rows are paired.
    """

    def __init__(self, rows: pd.DataFrame, keys: Sequence[str]) -> None:
        self.rows, self.keys = rows, list(keys)
        self._known: dict[str, Values] = {}

    def values(self, column: str) -> Values:
        """What stands in a column: nothing, the same in all rows, or what stands there for each pair."""
        if column not in self._known:
            self._known[column] = self._read(column)
        return self._known[column]

    def descends(self) -> bool:
        """Whether its trials took steps."""
        return "trial.steps" in self.rows and bool((self.rows["trial.steps"] > 0).any())

    def _read(self, column: str) -> Values:
        if column not in self.rows or self.rows[column].isna().all():
            return None
        if self.rows[column].nunique(dropna=False) == 1:
            return str(self.rows[column].iloc[0])
        return {key: set(values.astype(str)) for key, values in self.rows.groupby(self.keys)[column]}


def confounders(statistic: Statistic, table: pd.DataFrame) -> list[str]:
    """The settings in which arms of a comparison differ although it does not name them, in the order of the table.

    Raises:
        ScoreError: if no trial wrote the compared rows, or the factor is no column.
    """
    columns = [column for column in map(str, table.columns) if is_setting(column)]
    pairs = list(_arms(statistic, table))
    if not any(arm.values(column) is not None for pair in pairs for arm in pair for column in columns):
        raise ScoreError("no trial wrote these rows, so that nobody can check whether they differ in one thing only")
    for name in statistic.factor:
        if not any(_within(str(column), name) for column in table.columns):
            raise ScoreError(f"the factor {name} is no column of the table, nor the beginning of one")
    return [column for column in columns if any(_apart(column, *pair, statistic.factor) for pair in pairs)]


def _arms(statistic: Statistic, table: pd.DataFrame) -> Iterator[tuple[_Arm, _Arm]]:
    """The two sides of a comparison: of sums each row of one side with each of the other, of rivals each with each."""
    keys = [*statistic.seed, *statistic.across, *([statistic.judges] if statistic.judges else [])]
    ours = [select(table, condition) for condition in _listed(statistic.rows)]
    if statistic.rivals is None:
        theirs = [select(table, condition) for condition in _listed(statistic.minus or statistic.over)]
        yield from itertools.product([_Arm(rows, keys) for rows in ours], [_Arm(rows, keys) for rows in theirs])
        return
    rivals = [_Arm(rows, keys) for _, rows in pd.concat(ours).groupby(statistic.rivals)]
    yield from itertools.combinations(rivals, 2)


def _listed(conditions: str | Sequence[str] | None) -> list[str]:
    return [conditions] if isinstance(conditions, str) else list(conditions or [])


def _apart(column: str, ours: _Arm, theirs: _Arm, factor: Sequence[str]) -> bool:
    """Whether a setting outside the factor differs in some pair."""
    return ours.values(column) != theirs.values(column) and not _covered(column, ours, theirs, factor)


def _covered(column: str, ours: _Arm, theirs: _Arm, factor: Sequence[str]) -> bool:
    """Whether arms may differ in a setting: it is named, goes with what is named, or is none of theirs."""
    if column == DRAWN or any(_within(column, name) for name in factor):
        return True
    if column in ON_THE_WAY and not (ours.descends() and theirs.descends()):
        return True
    if column in SIZED and "trial.budget" in factor:
        return True
    if not any(_within("method.type", name) for name in factor):
        return False
    alone = ours.values(column) is None or theirs.values(column) is None
    made = all(arm.values("method.type") is not None for arm in (ours, theirs))
    return column == "method.name" or (alone and column.startswith("method." if made else NOTED))


def _within(column: str, name: str) -> bool:
    return column == name or column.startswith(f"{name}.")
