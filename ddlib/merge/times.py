"""The time column as numbers or dates.

Dates are ISO dates (2024-01-31), text as 31.01.2024, or whole numbers that are calendar dates throughout (20240131).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool

from ddlib.merge.columns import shown
from ddlib.merge.errors import TableError
from ddlib.merge.warned import Warned
from ddlib.merge.wording import counted

if TYPE_CHECKING:
    import pandas as pd

_DAY = 86_400_000_000
"""Microseconds of a day."""
_FIRST, _LAST = 1900_01_01, 2100_12_31
"""Whole numbers from the one to the other may be calendar dates."""
_RULE = "times are numbers (1, 2, 3.5) or ISO dates (2024-01-31; also 31.01.2024)"


def read_times(columns: Mapping[str, pd.Series]) -> tuple[dict[str, np.ndarray], list[Warned]]:
    """The time of each row of each source: double-precision numbers in all, or dates in all.

    Args:
        columns: the time column of each source.

    Raises:
        TableError: if a time is missing or none, or the sources mix numbers and dates.
    """
    times = {source: _read(series, source) for source, series in columns.items()}
    notes = _from_numbers(times)
    dated = {source for source, values in times.items() if values.dtype.kind == "M"}
    if dated and len(dated) < len(times):
        other = next(source for source in times if source not in dated)
        raise TableError(
            f"the column {columns[other].name!r} holds dates in {min(dated)} but numbers in {other}: use one of them in all tables"
        )
    return times, notes


def days(times: np.ndarray) -> np.ndarray:
    """Times as numbers; dates as days since 1970."""
    return times.astype("int64") / _DAY if times.dtype.kind == "M" else times


def as_dates(numbers: np.ndarray) -> np.ndarray:
    """Days since 1970 as dates, without the time of day unless some are less than a day apart."""
    dates = np.round(numbers * _DAY).astype("int64")
    whole = len(dates) < 2 or np.diff(dates).min() >= _DAY
    return (dates // _DAY * _DAY if whole else dates).astype("datetime64[us]")


def shown_time(time: float, dated: bool) -> str:
    """A time as a message shows it."""
    return str(as_dates(np.array([time]))[0])[:10] if dated else f"{time:.10g}"


def _read(series: pd.Series, source: str) -> np.ndarray:
    import pandas as pd

    where = f"the column {series.name!r} of {source}"
    missing = series.isna().to_numpy()
    if missing.any():
        raise TableError(f"{where} is empty in data row {int(missing.argmax()) + 1}: every row needs its time")
    if pd.api.types.is_bool_dtype(series.dtype) or pd.api.types.is_complex_dtype(series.dtype):
        raise TableError(f"{where} holds {series.dtype} values: {_RULE}")
    found: np.ndarray | None = None
    if pd.api.types.is_numeric_dtype(series.dtype):
        found = series.to_numpy(dtype=float)
    elif not pd.api.types.is_datetime64_any_dtype(series.dtype):
        try:
            numeric = pd.to_numeric(series)
            found = None if pd.api.types.is_complex_dtype(numeric.dtype) else numeric.to_numpy(dtype=float)
        except (TypeError, ValueError, OverflowError):
            found = None
    if found is not None:
        if not np.isfinite(found).all():
            raise TableError(f"{where} is not finite in data row {int((~np.isfinite(found)).argmax()) + 1}: {_RULE}")
        return found
    for form in _forms(series):
        try:
            return pd.to_datetime(_local(series), format=form).to_numpy(dtype="datetime64[us]")
        except (TypeError, ValueError, OverflowError, AttributeError):
            continue
    raise TableError(f"{where} holds {shown(series.iloc[0])}, for example: {_RULE}")


def _local(series: pd.Series) -> pd.Series:
    """Times as they are on the clock of their place, without a zone: a visit on 1 June is on 1 June everywhere."""
    if series.dtype.kind == "M":
        return series.dt.tz_localize(None)
    strip = re.compile(r"(?<=\d)\s*(Z|[+-]\d\d:?\d\d)$")
    return series.map(lambda value: _without_zone(value, strip))


def _without_zone(value: Any, strip: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return strip.sub("", value.strip()) if ":" in value else value
    return value.replace(tzinfo=None) if getattr(value, "tzinfo", None) is not None else value


def _forms(series: pd.Series) -> tuple[str | None, ...]:
    """The formats in which a column's dates may be written; none for numbers among dates."""
    if series.dtype.kind == "M":
        return (None,)
    if all(isinstance(value, str) for value in series):
        return ("%d.%m.%Y", "ISO8601")
    return () if any(isinstance(value, int | float | np.number) for value in series) else ("ISO8601",)


def _from_numbers(times: dict[str, np.ndarray]) -> list[Warned]:
    """Turn whole numbers into dates, if all of all sources are calendar dates; say so, or what kept them from it."""
    numbers = {source: values for source, values in times.items() if values.dtype.kind != "M"}
    valid = {source: _calendar(values) for source, values in numbers.items()}
    if not numbers or not any(good.any() for good in valid.values()):
        return []
    example = next(f"{values[valid[source]][0]:.0f}" for source, values in numbers.items() if valid[source].any())
    bad = [(source, int((~good).argmax())) for source, good in valid.items() if not good.all()]
    if not bad:
        times.update({source: _dates(values) for source, values in numbers.items()})
        return [Warned("dates", f"times such as {example} are read as calendar dates.")]
    number, total = sum(int((~good).sum()) for good in valid.values()), sum(map(len, valid.values()))
    if number > 0.1 * total:
        return []
    source, row = bad[0]
    text = (
        f"times such as {example} look like calendar dates, but are read as numbers, because {counted(number, 'time')} cannot be "
        f"one ({numbers[source][row]:.10g} in data row {row + 1} of {source}): mend them."
    )
    return [Warned("dates", text)]


def _dates(values: np.ndarray) -> np.ndarray:
    whole = values.astype("int64")
    months = (whole // 10_000 - 1970) * 12 + whole // 100 % 100 - 1
    return (months.astype("datetime64[M]").astype("datetime64[D]") + (whole % 100 - 1)).astype("datetime64[us]")


def _calendar(values: np.ndarray) -> Bool[np.ndarray, " rows"]:
    """Which numbers are calendar dates when read as YYYYMMDD."""
    within = (values >= _FIRST) & (values <= _LAST) & (values == values.round())
    whole = np.where(within, values, _FIRST).astype("int64")
    month, day = whole // 100 % 100, whole % 100
    sound = within & (month >= 1) & (month <= 12) & (day >= 1)
    month_of = _dates(np.where(sound, whole, _FIRST).astype(float)).astype("datetime64[M]").astype("int64") % 12 + 1
    return sound & (month_of == month)
