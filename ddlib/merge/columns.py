"""Columns of measurements as numbers, or one sentence why they are not."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ddlib.merge.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 1e100
"""Numbers of a larger magnitude are refused: their squares are not far from the largest that a computer knows."""


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the nearest known one, or all, or the first of many."""
    known = sorted(names)
    found = difflib.get_close_matches(name, known, n=1)
    most = [shown(other) for other in known[:10]] + ([f"{len(known) - 10} more"] if len(known) > 10 else [])
    return f"did you mean {found[0]!r}?" if found else f"it has {', '.join(most) or 'none'}"


def shown(value: Any, most: int = 30) -> str:
    """A value as a message quotes it: on one line, and short."""
    text = " ".join(repr(value.item() if isinstance(value, np.generic) else value).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def check_frame(frame: Any, source: str, required: Iterable[str]) -> pd.DataFrame:
    """A source's table with text as column names.

    Raises:
        TableError: if it is no table or an empty one, a column comes twice, or a required one is missing.
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise TableError(f"{source} is not a pandas DataFrame but a {type(frame).__name__}: read the table first")
    if isinstance(frame.columns, pd.MultiIndex):
        raise TableError(f"{source} has column names of several levels: give each column one name")
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise TableError(f"{source} has two columns called {twice[0]!r}: rename or drop one of them")
    for name in required:
        if name not in frame.columns:
            raise TableError(f"{source} has no column {name!r}: {nearest(name, frame.columns)}")
    if not len(frame):
        raise TableError(f"{source} has no rows: leave it out, or fill it")
    return frame


def check_alike(names: Mapping[str, Iterable[str]]) -> None:
    """Refuse columns whose names look the same.

    Args:
        names: of the columns of each source.

    Raises:
        TableError: if two names differ in nothing but case, white space or invisible characters.
    """
    seen: dict[str, tuple[str, str]] = {}
    for source, columns in names.items():
        for name in columns:
            visible = (mark for mark in unicodedata.normalize("NFC", name.casefold()) if unicodedata.category(mark) != "Cf")
            other, where = seen.setdefault("".join("".join(visible).split()), (name, source))
            if other != name:
                raise TableError(
                    f"{source} has a column {name!r} and {where} a column {other!r}, which differ only in case, white space or "
                    "invisible characters: give them the same name, or different ones"
                )


def numbers(series: pd.Series, source: str) -> np.ndarray:
    """A column as double-precision numbers, not-a-number where a cell is missing.

    Raises:
        TableError: if it holds text, dates or anything else that is no finite number.
    """
    import pandas as pd

    name, kind = str(series.name), series.dtype
    if pd.api.types.is_datetime64_any_dtype(kind) or pd.api.types.is_timedelta64_dtype(kind):
        raise TableError(f"the column {name!r} of {source} holds dates: drop it, or count days from a common start")
    if pd.api.types.is_bool_dtype(kind) or pd.api.types.is_numeric_dtype(kind):
        if pd.api.types.is_complex_dtype(kind):
            raise TableError(f"the column {name!r} of {source} holds complex numbers: split it into two columns or drop it")
        found = series.to_numpy(dtype=float, na_value=np.nan)
    else:
        found = _from_objects(series.astype(object), name, source)
    odd = np.isinf(found) | (np.abs(found) > LARGEST)
    if odd.any():
        row = int(odd.argmax())
        raise TableError(
            f"the column {name!r} of {source} is {found[row]:g} in data row {row + 1}: write finite numbers, and leave unknown "
            "cells empty"
        )
    return found


def _from_objects(series: pd.Series, name: str, source: str) -> np.ndarray:
    import pandas as pd

    found = np.full(len(series), np.nan)
    for row, value in enumerate(series.to_numpy()):
        if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value):
            continue
        try:
            if isinstance(value, complex | np.complexfloating | bytes | np.datetime64 | np.timedelta64):
                raise TypeError
            found[row] = float(value)
        except (TypeError, ValueError, OverflowError):
            text = isinstance(value, str)
            raise TableError(
                f"the column {name!r} of {source} holds {'text' if text else f'a {type(value).__name__}'} ({shown(value)}, data "
                f"row {row + 1}): write numbers (of three or more groups, a column of zeros and ones for each but one) and leave "
                "unknown cells empty, or drop the column (--drop)"
            ) from None
    return found
