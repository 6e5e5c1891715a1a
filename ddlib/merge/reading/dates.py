"""The time of a visit: numbers or dates. Which of day and month comes first is told by a whole column, or refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ddlib.files import InputError
from ddlib.merge.columns import shown
from ddlib.merge.reading.cells import Distinct, Rules, is_missing
from ddlib.merge.reading.decimals import as_number

if TYPE_CHECKING:
    import pandas as pd

_RULE = "times are numbers (1, 2, 3.5) or dates (2024-01-31, 31.01.2024)"
_ISO = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})([T ].*)?", re.DOTALL)
_POINTS = re.compile(r"([0-9]{1,2})\.\s?([0-9]{1,2})\.\s?([0-9]{4})(\s.*)?", re.DOTALL)
_OTHER = re.compile(r"([0-9]{1,2})([/-])([0-9]{1,2})\2([0-9]{4})(\s.*)?", re.DOTALL)


def read_times(
    series: pd.Series, cells: Distinct | None, rules: Rules, place: str, row: Callable[[int], str]
) -> tuple[pd.Series, str]:
    """A column of times as numbers or as dates (datetime64), missing where the cell is, and what was found about dates.

    Raises:
        InputError: if it holds anything else, mixes the two, or dates whose day may be the month.
    """
    import pandas as pd

    if cells is None or series.dtype.kind == "M":
        return series, ""
    texts = cells.texts()
    if not texts:
        return pd.Series(_others(cells, place, row), index=series.index, name=series.name), ""
    known = {text: as_number(text, rules.decimal) for text in texts if not is_missing(text, rules.na)}
    if not any(number is None for number in known.values()):
        found = [known.get(value) if isinstance(value, str) else _number(value) for value in cells.values]
        odd = [k for k, value in enumerate(cells.values) if found[k] is None and not is_missing(value, rules.na)]
        if not odd:
            times = pd.Series(np.array([*found, None], dtype=float)[cells.codes], index=series.index, name=series.name)
            return _whole(times), ""
        _refuse(cells, odd[0], place, row)
    days = _day_first(list(known), place)
    stamps = [_stamp(value, days, rules) for value in cells.values]
    for k, stamp in enumerate(stamps):
        if stamp is None:
            _refuse(cells, k, place, row)
    values = pd.to_datetime(pd.Series([*stamps, pd.NaT])).to_numpy(dtype="datetime64[us]")
    said = ("dates with the month first", "dates with the day first")[days] if any(map(_OTHER.fullmatch, known)) else ""
    return pd.Series(values[cells.codes], index=series.index, name=series.name), said


def _refuse(cells: Distinct, place: int, where: str, row: Callable[[int], str]) -> None:
    first = int((cells.codes == place).argmax())
    raise InputError(f"{where} holds {shown(cells.values[place])} ({row(first)}): {_RULE}")


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float | np.number) and not isinstance(value, bool) else None


def _whole(times: pd.Series) -> pd.Series:
    """Times as whole numbers, where they are."""
    values = times.to_numpy()
    whole = np.isfinite(values).all() and (values == values.round()).all() and np.abs(values).max(initial=0) < 2**53
    return times.astype("int64") if whole else times


def _others(cells: Distinct, place: str, row: Callable[[int], str]) -> np.ndarray:
    """Times that the file has as numbers or as dates, cell by cell."""
    import pandas as pd

    numeric = [_number(value) for value in cells.values]
    if None not in numeric:
        return np.array([*numeric, np.nan], dtype=float)[cells.codes]
    for k, value in enumerate(cells.values):
        if not hasattr(value, "year"):
            _refuse(cells, k, place, row)
    try:
        stamps = pd.to_datetime(pd.Series([*(pd.Timestamp(value).tz_localize(None) for value in cells.values), pd.NaT]))
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{place} holds dates that no calendar has: {_RULE}") from None
    return stamps.to_numpy(dtype="datetime64[us]")[cells.codes]


def _day_first(texts: list[str], place: str) -> bool:
    """Whether 01/02/2024 is in February: a number above 12 in the column tells."""
    found = [match for match in map(_OTHER.fullmatch, texts) if match]
    first, second = (any(int(match[group]) > 12 for match in found) for group in (1, 3))
    if found and first == second:
        why = "the month stands first in some and second in others" if first else "its day may be the month"
        raise InputError(f"{place} holds dates such as {shown(found[0][0])}, and {why}: write 2024-01-31 or 31.01.2024")
    return first


def _stamp(value: Any, day_first: bool, rules: Rules) -> Any:
    """A cell as a date; None if it is none."""
    import pandas as pd

    if is_missing(value, rules.na):
        return pd.NaT
    if not isinstance(value, str):
        return pd.Timestamp(value) if hasattr(value, "year") else None
    if found := _ISO.fullmatch(value):
        year, month, day, rest = found.groups()
    elif found := _POINTS.fullmatch(value):
        day, month, year, rest = found.groups()
    elif found := _OTHER.fullmatch(value):
        one, _, two, year, rest = found.groups()
        day, month = (one, two) if day_first else (two, one)
    else:
        return None
    try:
        stamp = pd.Timestamp(f"{year}-{int(month):02d}-{int(day):02d}{_clock(rest)}")
        return stamp.tz_localize(None)  # a visit on 1 June is on 1 June everywhere
    except (ValueError, OverflowError):
        return None


def _clock(rest: str | None) -> str:
    return f"T{rest[1:].strip()}" if rest and rest.strip() else ""
