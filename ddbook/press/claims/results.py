"""What a run has recorded, and the statistics of the ledger computed from it."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from ddbook.kit.scores import ScoreError
from ddbook.press.claims.factor import confounders
from ddbook.press.claims.ledger import Statistic
from ddbook.press.claims.rivals import least_loss
from ddbook.press.claims.units import by_unit
from ddbook.press.inputs import NOT_AVAILABLE
from ddbook.press.provenance import Altered, Run
from ddlib.statistics import Estimate, crossed


class Missing(Exception):
    """A result that a statistic needs is not there; the message says which, for the reader of a verdict."""


class MissingData(Missing):
    """It is not there because the run, by its own record, had to do without the data."""


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
            return Run.read(self.folder / chapter / "run.json")
        except Altered:
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

    def table(self, chapter: str, name: str, text: str | None = None) -> pd.DataFrame:
        """A table that a chapter recorded; it is read once.

        Args:
            chapter, name: which.
            text: a column that is text even where it reads as numbers.

        Raises:
            Missing: if there is no finished run, or it recorded no such table.
        """
        path = self._file(chapter, f"{name}.csv")
        if (path, text) not in self._tables:
            self._tables[path, text] = self._read(path, text)
        return self._tables[path, text]

    @cached_property
    def _tables(self) -> dict[tuple[Path, str | None], pd.DataFrame]:
        return {}

    @staticmethod
    def _read(path: Path, text: str | None) -> pd.DataFrame:
        try:
            return pd.read_csv(path, low_memory=False, dtype={text: str} if text else None)
        except (pd.errors.EmptyDataError, pd.errors.ParserError):
            raise Missing(f"{path} holds no table: run the chapter again") from None

    def missing_data(self, chapter: str) -> set[str]:
        """The data sets that a chapter's run looked for and, as it recorded itself, did not find.

        Raises:
            Missing: if its record cannot be read.
        """
        return {name for name, content in self.run(chapter).inputs.items() if content == NOT_AVAILABLE}

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
        Missing: if the results lack what it needs; MissingData if for want of data.
    """
    try:
        return _measured(statistic, chapter, results)
    except Missing:
        if statistic.data and statistic.data in results.missing_data(chapter):
            raise MissingData(f"the data were not there: {statistic.data}") from None
        raise


def _measured(statistic: Statistic, chapter: str, results: Results) -> Estimate:
    if statistic.number is not None:
        return _recorded(statistic.number, results.numbers(chapter))
    table = _table(statistic, chapter, results)
    with _named(statistic):
        if statistic.rivals:
            return least_loss(statistic, table)
        return crossed(by_unit(statistic.score, table)) if statistic.units else statistic.score.evaluate(table)


def _table(statistic: Statistic, chapter: str, results: Results) -> pd.DataFrame:
    return results.table(chapter, str(statistic.table), statistic.value if statistic.units else None)


def apart(statistic: Statistic, chapter: str, results: Results) -> list[str]:
    """The settings that a comparison does not name and in which its arms differ; none for what is no comparison.

    Raises:
        Missing: as for ``measure``; also if no trial wrote the compared rows.
    """
    if not statistic.compares:
        return []
    table = _table(statistic, chapter, results)
    with _named(statistic):
        return confounders(statistic, table)


def spread(statistic: Statistic, chapter: str, results: Results) -> tuple[float, float, int]:
    """The 95 % prediction interval of one more run, from the seeds of a table (:func:`prediction`); and n.

    Raises:
        Missing: as for ``measure``; also if there are fewer than two seeds, or only a number.
    """
    if statistic.table is None:
        raise Missing(f"{statistic.label}: a published figure is compared with the seeds of a table, not with a number")
    table = results.table(chapter, statistic.table)
    with _named(statistic):
        values = statistic.score.values(table)
    n = len(values)
    if n < 2:
        raise Missing(f"{statistic.label} has {n} seed{'s' * (n != 1)} and needs two for a spread")
    return *prediction(values.to_numpy()), n


def prediction(values: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """Where one more value lies with 95 %: mean ± t·s·√(1 + 1/n)."""
    from scipy import stats

    n = len(values)
    half = float(stats.t.ppf(0.975, n - 1) * values.std(ddof=1) * np.sqrt(1 + 1 / n))
    return float(values.mean()) - half, float(values.mean()) + half


@contextlib.contextmanager
def _named(statistic: Statistic) -> Iterator[None]:
    """What a table lacks, in the words of a verdict."""
    try:
        yield
    except ScoreError as error:
        raise Missing(f"{statistic.table}: {error}") from None


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
