"""Whether the arms of a comparison differ in what it names and in nothing else: by the settings that their trials noted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

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


def confounders(statistic: Statistic, table: pd.DataFrame) -> list[str]:
    """The settings in which arms of a comparison differ although it does not name them, in the order of the table.

    Raises:
        ScoreError: if no trial wrote the compared rows, or the factor is no column.
    """
    pairs = list(_arms(statistic, table))
    if not any(_noted(*pair) for pair in pairs):
        raise ScoreError("no trial wrote these rows, so that nobody can check whether they differ in one thing only")
    for name in statistic.factor:
        if not any(_within(str(column), name) for column in table.columns):
            raise ScoreError(f"the factor {name} is no column of the table, nor the beginning of one")
    found = {column for pair in pairs for column in _apart(*pair, statistic)}
    return [str(column) for column in table.columns if column in found]


def _arms(statistic: Statistic, table: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """The rows on each side of a comparison: for sums each row of one side with each of the other."""
    ours = [select(table, condition) for condition in _listed(statistic.rows)]
    if statistic.rivals is None:
        theirs = [select(table, condition) for condition in _listed(statistic.minus or statistic.over)]
        yield from itertools.product(ours, theirs)
        return
    for rows in ours:
        yield from itertools.combinations([each for _, each in rows.groupby(statistic.rivals)], 2)


def _listed(conditions: str | Sequence[str] | None) -> list[str]:
    return [conditions] if isinstance(conditions, str) else list(conditions or [])


def _apart(ours: pd.DataFrame, theirs: pd.DataFrame, statistic: Statistic) -> list[str]:
    """The settings outside the factor that differ in some pair."""
    keys = [*statistic.seed, *statistic.across, *([statistic.judges] if statistic.judges else [])]
    both = pd.concat([ours, theirs])
    varied = [column for column in _noted(ours, theirs) if both[column].nunique(dropna=False) > 1]
    unnamed = [column for column in varied if not _covered(column, ours, theirs, statistic.factor)]
    return [column for column in unnamed if _values(ours, keys, column) != _values(theirs, keys, column)]


def _noted(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[str]:
    """The settings that trials noted for one side or both."""
    names = [column for column in map(str, ours.columns) if is_setting(column)]
    return [name for name in names if ours[name].notna().any() or theirs[name].notna().any()]


def _covered(column: str, ours: pd.DataFrame, theirs: pd.DataFrame, factor: Sequence[str]) -> bool:
    """Whether arms may differ in a setting: it is named, goes with what is named, or is none of theirs."""
    if column == DRAWN or any(_within(column, name) for name in factor):
        return True
    if column in ON_THE_WAY and not (_descends(ours) and _descends(theirs)):
        return True
    if column in SIZED and "trial.budget" in factor:
        return True
    if not any(_within("method.type", name) for name in factor):
        return False
    alone = bool(ours[column].isna().all() or theirs[column].isna().all())
    made = all("method.type" in arm and arm["method.type"].notna().any() for arm in (ours, theirs))
    return column == "method.name" or (alone and column.startswith("method." if made else NOTED))


def _descends(arm: pd.DataFrame) -> bool:
    return "trial.steps" in arm and bool((arm["trial.steps"] > 0).any())


def _within(column: str, name: str) -> bool:
    return column == name or column.startswith(f"{name}.")


def _values(arm: pd.DataFrame, keys: list[str], column: str) -> dict[object, set[str]]:
    """What stands in a column for each pair."""
    return {key: set(values.astype(str)) for key, values in arm.groupby(keys)[column]}
