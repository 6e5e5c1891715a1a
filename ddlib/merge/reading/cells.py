"""The cells of a column: numbers, missing, beyond a limit of detection, or words."""

from __future__ import annotations

import datetime
import decimal as decimals
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ddlib.files import InputError
from ddlib.merge.columns import shown
from ddlib.merge.measurements import written
from ddlib.merge.reading.decimals import LIMIT, as_number, plain_numbers

if TYPE_CHECKING:
    import pandas as pd


class Rules(NamedTuple):
    """How cells of a file are read.

    Attributes:
        decimal: the decimal sign of its numbers in text.
        na: what stands for a missing value, in lower case.
    """

    decimal: str
    na: frozenset[str]


class Distinct(NamedTuple):
    """A column by its distinct cells, which are read once each.

    Attributes:
        values: the distinct cells; texts are without the white space round them.
        codes: which of them each row has; -1 where the file itself says that it is missing.
    """

    values: list[Any]
    codes: Int[np.ndarray, " rows"]

    def texts(self) -> list[str]:
        """The distinct cells that are text."""
        return [value for value in self.values if isinstance(value, str)]

    def first(self, chosen: Callable[[Any], bool]) -> int:
        """The first row whose cell is chosen; -1 if there is none."""
        places = [place for place, value in enumerate(self.values) if chosen(value)]
        rows = np.flatnonzero(np.isin(self.codes, places))
        return int(rows[0]) if len(rows) else -1


class ReadCells(NamedTuple):
    """A column that has been read.

    Attributes:
        values: the numbers; not-a-number where missing, beyond a limit or a word.
        lower, upper: bounds of what is beyond a limit, and the number itself where there is one; None if nothing is beyond a limit.
        strict: where a value is beyond a limit, whether the limit itself is excluded, as by ``<`` and not by ``<=``.
        words: the texts that are no numbers, of a column without numbers, in lower case, and None elsewhere; None if it has none.
        missing: what was written for missing values.
        grouped: whether thousands were parted.
    """

    values: Float[np.ndarray, " rows"]
    lower: Float[np.ndarray, " rows"] | None = None
    upper: Float[np.ndarray, " rows"] | None = None
    strict: Bool[np.ndarray, " rows"] | None = None
    words: np.ndarray | None = None
    missing: tuple[str, ...] = ()
    grouped: bool = False

    def measured(self) -> bool:
        """Whether there is a number, or a limit, anywhere."""
        return self.lower is not None or not np.isnan(self.values).all()

    def rows(self, chosen: Int[np.ndarray, " chosen"]) -> ReadCells:
        """The same for some of the rows."""
        lower, upper, strict, words = (
            None if part is None else part[chosen] for part in (self.lower, self.upper, self.strict, self.words)
        )
        return ReadCells(self.values[chosen], lower, upper, strict, words, self.missing, self.grouped)

    def changed(self, factor: float, offset: float) -> ReadCells:
        """Multiplied by a factor, with an offset added; the bounds change places where the factor is negative."""
        bounds = [None if bound is None else factor * bound + offset for bound in (self.lower, self.upper)]
        lower, upper = bounds if factor > 0 else bounds[::-1]
        return self._replace(values=factor * self.values + offset, lower=lower, upper=upper)

    def column(self) -> np.ndarray:
        """The column as a table has it: numbers, and texts such as ``<0.5`` beside them where values are beyond a limit."""
        if self.lower is None or self.upper is None or self.strict is None:
            return self.values
        found = self.values.astype(object)
        for row in np.flatnonzero(np.isneginf(self.lower) | np.isposinf(self.upper)):
            below = bool(np.isneginf(self.lower[row]))
            found[row] = written((self.upper if below else self.lower)[row], below, bool(self.strict[row]))
        return found


def distinct(series: pd.Series, place: str) -> Distinct:
    """A column by its distinct cells.

    Raises:
        InputError: if it holds lists or other compound values.
    """
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(series.cat.categories.dtype)
    try:
        codes, values = pd.factorize(series)
    except TypeError:
        raise InputError(f"{place} holds lists or other compound values: drop it (--drop)") from None
    return Distinct([value.strip() if isinstance(value, str) else value for value in values.tolist()], codes)


def is_missing(value: Any, na: frozenset[str]) -> bool:
    """Whether a cell stands for a missing value."""
    return isinstance(value, str) and (not value or value.casefold() in na)


def read_cells(series: pd.Series, cells: Distinct | None, rules: Rules, place: str, row: Callable[[int], str]) -> ReadCells:
    """A column of measurements.

    Args:
        series: the column.
        cells: its distinct cells; None if its type is numeric.
        rules: how they are read.
        place: what the column is called in messages, such as "the column 'hb' of a.csv".
        row: what a row is called there.

    Raises:
        InputError: if it holds dates, compound values, words beside numbers, or signs that may mean negative or missing.
    """
    if cells is None:
        return _numeric(series, rules, place)
    if (plain := _plain(cells, rules)) is not None:
        return plain
    read = [_read(value, rules) for value in cells.values]
    for kind, what, cure in (
        ("date", "dates", "drop it (--drop), or count days from a common start"),
        ("other", "values that are no numbers", "drop it (--drop)"),
    ):
        if kind in (found for found, *_ in read):
            raise InputError(f"{place} holds {what}: {cure}")
    kinds = {kind for kind, *_ in read}
    if "word" in kinds and kinds & {"number", "limit"}:
        first = cells.first(lambda value: _read(value, rules)[0] == "word")
        text, sign = cells.values[cells.codes[first]], "point" if rules.decimal == "." else "comma"
        raise InputError(
            f"{place} holds text ({shown(text)}, {row(first)}): write numbers, with a decimal {sign}, say that it stands for a "
            "missing value (--na), or drop the column (--drop)"
        )
    missing = tuple(value for value, (kind, *_) in zip(cells.values, read, strict=True) if kind == "missing" and value)
    if "word" in kinds:
        return _words(cells, read, missing, place)
    low, high = (np.append([bounds[side] for bounds in read], np.nan)[cells.codes] for side in (1, 2))
    values = np.where(low == high, low, np.nan)
    grouped = any(_is_grouped(value, rules) for value in cells.texts())
    if "limit" not in kinds:
        return ReadCells(values, missing=missing, grouped=grouped)
    strict = np.append([isinstance(value, str) and value[:1] in "<>" and value[1:2] != "=" for value in cells.values], False)
    return ReadCells(values, low, high, strict[cells.codes], missing=missing, grouped=grouped)


def _plain(cells: Distinct, rules: Rules) -> ReadCells | None:
    """A column of plain numbers in text and missing cells, quickly; None if there is more in it."""
    texts = cells.texts()
    gone = [text for text in texts if is_missing(text, rules.na)]
    lost = set(gone)
    numbers = plain_numbers([text for text in texts if text not in lost] if lost else texts, rules.decimal)
    if numbers is None or len(texts) < len(cells.values):
        return None
    found = iter(numbers)
    values = np.array([*(np.nan if text in lost else next(found) for text in texts), np.nan])
    return ReadCells(values[cells.codes], missing=tuple(filter(None, gone)))


def _numeric(series: pd.Series, rules: Rules, place: str) -> ReadCells:
    import pandas as pd

    if pd.api.types.is_complex_dtype(series.dtype):
        raise InputError(f"{place} holds complex numbers: split it into two columns or drop it")
    values = series.to_numpy(dtype=float, na_value=np.nan)
    written = {text: number for text in rules.na if (number := as_number(text, ".")) is not None}
    missing = tuple(text for text, number in written.items() if (values == number).any())
    return ReadCells(np.where(np.isin(values, list(written.values())), np.nan, values), missing=missing)


def _read(value: Any, rules: Rules) -> tuple[str, float, float]:
    """What a cell is, and the bounds of its number."""
    if isinstance(value, str):
        return _read_text(value, rules)
    if isinstance(value, datetime.date | np.datetime64 | datetime.time | datetime.timedelta | np.timedelta64):
        return "date", np.nan, np.nan
    if isinstance(value, bool | int | float | np.bool_ | np.integer | np.floating | decimals.Decimal):
        try:
            number = float(value)
        except OverflowError:
            return "other", np.nan, np.nan
        return ("missing", np.nan, np.nan) if f"{value}" in rules.na or f"{number:g}" in rules.na else ("number", number, number)
    return "other", np.nan, np.nan


def _read_text(text: str, rules: Rules) -> tuple[str, float, float]:
    if is_missing(text, rules.na):
        return "missing", np.nan, np.nan
    number = as_number(text, rules.decimal)
    if number is not None:
        return "number", number, number
    limit = LIMIT.fullmatch(text)
    bound = as_number(limit[2].strip(), rules.decimal) if limit else None
    if limit is None or bound is None:
        return "word", np.nan, np.nan
    return ("limit", -np.inf, bound) if limit[1] in ("<", "<=", "≤") else ("limit", bound, np.inf)


def _is_grouped(text: str, rules: Rules) -> bool:
    number = as_number(text, rules.decimal)
    return number is not None and not set(text) <= set("0123456789eE+-−") | {rules.decimal}


def _words(cells: Distinct, read: list[tuple[str, float, float]], missing: tuple[str, ...], place: str) -> ReadCells:
    words: list[str | None] = [
        value.casefold() if kind == "word" else None for value, (kind, *_) in zip(cells.values, read, strict=True)
    ]
    if set(words) - {None} <= {"+", "++", "+++"} and "-" in missing:
        raise InputError(f"{place} holds '+' and '-', which may mean negative or missing: write 1 and 0, or drop it (--drop)")
    rows = np.array([*words, None], dtype=object)[cells.codes]
    return ReadCells(np.full(len(rows), np.nan), words=rows, missing=missing)
