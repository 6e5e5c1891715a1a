"""What a run has recorded, and the statistics of the ledger computed from it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from ddbook.press.claims.ledger import Statistic
from ddbook.press.provenance import Run
from ddlib.statistics import Estimate, estimate


class Missing(Exception):
    """A result that a statistic needs is not there; the message says which, for the reader of a verdict."""


@dataclass(frozen=True)
class Results:
    """The records of several chapters: a folder for each, as ``ddbook run`` leaves it.

    Attributes:
        folder: ``_build/<profile>/runs`` or ``reference``.
        name: how messages call it.
    """

    folder: Path
    name: str

    @cached_property
    def chapters(self) -> list[str]:
        """The notebooks with a finished run."""
        return sorted(path.parent.name for path in self.folder.glob("*/run.json") if path.parent.suffix == "")

    def run(self, chapter: str) -> Run:
        """The record of a chapter's run.

        Raises:
            Missing: if it cannot be read.
        """
        try:
            return Run.model_validate_json((self.folder / chapter / "run.json").read_bytes())
        except ValidationError:
            raise Missing(f"{self.folder / chapter / 'run.json'} is no record of a run: run the chapter again") from None

    def numbers(self, chapter: str) -> dict[str, dict[str, Any]]:
        """The numbers that a chapter recorded.

        Raises:
            Missing: if it has no finished run.
        """
        path = self._file(chapter, "numbers.json")
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Missing(f"{path} holds no numbers: run the chapter again")
        return found

    def table(self, chapter: str, name: str) -> pd.DataFrame:
        """A table that a chapter recorded.

        Raises:
            Missing: if there is no finished run, or it recorded no such table.
        """
        path = self._file(chapter, f"{name}.csv")
        try:
            return pd.read_csv(path)
        except (pd.errors.EmptyDataError, pd.errors.ParserError):
            raise Missing(f"{path} holds no table: run the chapter again") from None

    def _file(self, chapter: str, name: str) -> Path:
        if chapter not in self.chapters:
            raise Missing(f"{self.name} has no finished run of {chapter}")
        path = self.folder / chapter / "results" / name
        if not path.exists():
            raise Missing(f"{chapter} recorded no {name}")
        return path


def measure(statistic: Statistic, chapter: str, results: Results) -> Estimate:
    """A statistic of the ledger with its 95 % interval; n is the number of seeds, 0 for a number that was recorded without.

    Raises:
        Missing: if the results lack what it needs.
    """
    if statistic.number is not None:
        return _recorded(statistic.number, results.numbers(chapter))
    table = results.table(chapter, str(statistic.table))
    ours = _total(statistic, statistic.rows, table)
    other = statistic.minus or statistic.over
    if other:
        theirs = _total(statistic, other, table)
        _same_pairs(statistic, ours, theirs)
        if statistic.over and not ((ours / theirs) > 0).all():
            raise Missing(f"{statistic.label} has a ratio that is not positive")
        ours = ours - theirs if statistic.minus else (ours / theirs).map(math.log)
    found = estimate(_by_seed(statistic, ours), "mean" if other else statistic.middle)
    if not statistic.over:
        return found
    return Estimate(math.exp(found.value), math.exp(found.low), math.exp(found.high), found.n)


def spread(statistic: Statistic, chapter: str, results: Results) -> tuple[float, float, int]:
    """The 95 % prediction interval of one more run, from the seeds of a table: mean ± t·s·√(1 + 1/n); and n.

    Raises:
        Missing: as for ``measure``; also if there are fewer than two seeds, or only a number.
    """
    from scipy import stats

    if statistic.table is None:
        raise Missing(f"{statistic.label}: a published figure is compared with the seeds of a table, not with a number")
    values = _by_seed(statistic, _total(statistic, statistic.rows, results.table(chapter, statistic.table)))
    n = len(values)
    if n < 2:
        raise Missing(f"{statistic.label} has {n} seed{'s' * (n != 1)} and needs two for a spread")
    half = float(stats.t.ppf(0.975, n - 1) * values.std(ddof=1) * np.sqrt(1 + 1 / n))
    return float(values.mean()) - half, float(values.mean()) + half, n


def _recorded(name: str, numbers: dict[str, dict[str, Any]]) -> Estimate:
    if name not in numbers:
        raise Missing(f"the number {name} was not recorded")
    number = numbers[name]
    if number.get("value") is None:
        raise Missing(f"the number {name} is not finite")
    low, high = (float("nan") if number.get(end) is None else float(number[end]) for end in ("low", "high"))
    if math.isnan(low) != math.isnan(high):
        raise Missing(f"an end of the interval of {name} is not finite")
    return Estimate(float(number["value"]), low, high, int(number.get("n") or 0))


def _total(statistic: Statistic, queries: str | list[str] | None, table: pd.DataFrame) -> pd.Series:
    """The measured column by repetition and pair, added over the queries."""
    first, *others = (_rows(statistic, query, table) for query in ([queries] if isinstance(queries, str) else queries or []))
    for other in others:
        _same_pairs(statistic, first, other)
        first = first + other
    return first


def _rows(statistic: Statistic, query: str, table: pd.DataFrame) -> pd.Series:
    """The measured column by repetition and pair; rows that agree in both are averaged."""
    value, keys = str(statistic.value), [*statistic.seed, *statistic.across]
    for column in (value, *keys):
        if column not in table:
            raise Missing(f"the table {statistic.table} has no column {column}")
    try:
        mask = table.eval(query)
    except Exception as error:  # pandas raises whatever its parser meets
        raise Missing(f"the table {statistic.table} cannot be asked for {query!r} ({error})") from None
    if not (isinstance(mask, pd.Series) and pd.api.types.is_bool_dtype(mask)):
        raise Missing(f"{query!r} is no condition on rows of {statistic.table}")
    chosen = table[mask]
    if chosen.empty:
        raise Missing(f"the table {statistic.table} has no rows with {query}")
    values = pd.to_numeric(chosen[value], errors="coerce")
    if not np.isfinite(values).all() or chosen[keys].isna().any(axis=None):
        raise Missing(f"{statistic.label}: {value} is not finite in some row with {query}")
    return values.groupby([chosen[key] for key in keys]).mean()


def _same_pairs(statistic: Statistic, ours: pd.Series, theirs: pd.Series) -> None:
    """Every repetition and pair on both sides: what one side lacks would otherwise drop out unseen."""
    if set(ours.index) != set(theirs.index):
        lost = sorted(set(ours.index) ^ set(theirs.index), key=str)[0]
        raise Missing(f"{statistic.label}: {lost} is on one side of the comparison only")


def _by_seed(statistic: Statistic, values: pd.Series) -> pd.Series:
    """The mean of each repetition over its pairs, which have to be the same for all."""
    grouped = values.groupby(level=statistic.seed)
    if grouped.size().nunique() > 1:
        raise Missing(f"{statistic.label}: some repetition lacks a row that others have")
    return grouped.mean()
