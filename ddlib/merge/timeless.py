"""Tables without a time column, of patients who have one row each: one visit per patient."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ddlib.merge.errors import TableError
from ddlib.merge.warned import Warned
from ddlib.merge.wording import listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TIME", "has_no_time", "named_time", "with_times"]

TIME = "visit"
"""What the time column is called where none is named."""
_MOST_NAMED = 5


def has_no_time(columns: Iterable[str], time: str | None) -> bool:
    """Whether a table lacks the time column, and none that may be meant by it.

    Raises:
        TableError: if no time column is named, but the table has one that may be it.

    >>> has_no_time(["id", "hb"], None), has_no_time(["id", "visits", "hb"], "visit")
    (True, False)
    """
    names = [str(name) for name in columns]
    if time is None and TIME in names:
        raise TableError(f"there is a column {TIME!r}, but no time column is named: if it is the time, say so (--time {TIME})")
    return time is None or (time not in names and not difflib.get_close_matches(time, names, n=1))


def named_time(time: str | None) -> str:
    """The name of the time column.

    >>> named_time(None), named_time("day")
    ('visit', 'day')
    """
    return TIME if time is None else time


def with_times(frames: Any, id: str, time: str | None) -> tuple[Any, str, list[Warned]]:
    """Tables with a time column, and what is said of those that had none.

    A table without one, whose patients have one row each, holds one visit: the first one of the other tables, where these have
    times that are numbers. All else is returned as it is, for others to refuse.

    Args:
        frames: the sources' tables: a mapping from names, or a sequence.
        id: the column with the patient.
        time: the column with the time; None if there is none.

    Raises:
        TableError: if no time column is named and a patient has several rows.

    >>> import pandas as pd
    >>> frames, time, notes = with_times({"a": pd.DataFrame({"id": [1, 2], "hb": [12.0, 13.0]})}, "id", None)
    >>> time, frames["a"]["visit"].tolist(), notes[0].text
    ('visit', [1, 1], 'a has no time column and one row per patient, which is read as one visit.')
    """
    import pandas as pd

    if isinstance(frames, Mapping):
        tables: dict[Any, Any] = dict(frames)
    elif isinstance(frames, Sequence) and not isinstance(frames, str):
        tables = {f"source {number}": frame for number, frame in enumerate(frames, start=1)}
    else:
        return frames, named_time(time), []
    lacking = [
        name
        for name, frame in tables.items()
        if isinstance(frame, pd.DataFrame) and id in frame and has_no_time(frame.columns, time)
    ]
    again = [name for name in lacking if tables[name][id].map(lambda who: str(who).strip()).duplicated().any()]
    if again and time is None:
        raise TableError(f"{again[0]} has several rows of a patient, and no time column is named: say which it is (--time)")
    first = _first_time([frame for name, frame in tables.items() if name not in lacking], named_time(time))
    if again or not lacking or first is None:
        return frames, named_time(time), []
    found = {name: frame.assign(**{named_time(time): first}) if name in lacking else frame for name, frame in tables.items()}
    have = "has" if len(lacking) == 1 else "have"
    where = "" if len(lacking) == len(tables) else f" at the time {first:g}, the first of the other tables"
    names = listed([str(name) for name in lacking], _MOST_NAMED)
    text = f"{names} {have} no time column and one row per patient, which is read as one visit{where}."
    return found, named_time(time), [Warned("no times", text)]


def _first_time(frames: list[pd.DataFrame], time: str) -> float | None:
    """The first time of tables; 1 of none; None where times are not numbers."""
    import pandas as pd

    if not frames:
        return 1
    times = [frame[time] for frame in frames if isinstance(frame, pd.DataFrame) and time in frame]
    numbers = [part for part in times if isinstance(part, pd.Series) and pd.api.types.is_numeric_dtype(part.dtype)]
    if not numbers or len(numbers) < len(times):
        return None
    least = float(pd.concat(numbers).min())
    if not np.isfinite(least):
        return None
    return int(least) if least == round(least) else least
