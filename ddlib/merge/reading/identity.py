"""Names of patients and of hospitals: texts, exactly as they are written, for 101.1 and 101.10, or 007 and 7, are two."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ddlib.files import InputError
from ddlib.merge.reading.cells import distinct, is_missing

if TYPE_CHECKING:
    import pandas as pd


def _text(value: Any) -> str:
    """A name as text: a whole number from a file that knows numbers only is written without decimals."""
    if isinstance(value, str):
        return value
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, datetime.date | np.datetime64):
        return str(value).replace(" 00:00:00", "")
    return str(value.item() if isinstance(value, np.generic) else value)


def texts(series: pd.Series, place: str, na: frozenset[str] = frozenset()) -> pd.Series:
    """A column of names as texts, without white space round them; missing where the cell is empty or stands for a missing value.

    Raises:
        InputError: if it holds lists or other compound values.
    """
    import pandas as pd

    cells = distinct(series, place)
    found = [_text(value) for value in cells.values]
    known = [None if is_missing(text, na) else text for text in found]
    return pd.Series(np.array([*known, None], dtype=object)[cells.codes], index=series.index, name=series.name, dtype="str")


def names(series: pd.Series, place: str, na: frozenset[str]) -> pd.Series:
    """The same of a column in which nothing may stand for a missing value: it would become one patient, or one hospital.

    Raises:
        InputError: if something does, too.
    """
    found = texts(series, place)
    odd = found.str.casefold().isin(na).to_numpy()
    if odd.any():
        row = int(odd.argmax())
        raise InputError(
            f"{place} holds {found.iloc[row]!r} (data row {row + 1}), which stands for a missing value: write the name, or say "
            "what else does (--na)"
        )
    return found
