"""Patients' names: text, exactly as given.

'101.1' and '101.10' are two patients, and so are '007' and '7', or '1E3' and '1000'; white space around a name is not part of it.
A number is written as one would write it: 101 and 101.0 are '101'.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ddlib.merge.columns import shown
from ddlib.merge.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

_UNLIKELY = '";\t\r\n\ufeff'
"""Marks that stand in a patient's name only where a text file was damaged, so that the row would be another patient's."""
_WHOLE = re.compile(r"-?[1-9][0-9]*|0")


def read_ids(series: pd.Series, source: str) -> np.ndarray:
    """The patient of each row, as text.

    Args:
        series: the column with the patient.
        source: what its table is called.

    Raises:
        TableError: if a name is missing, a compound value, or has marks that come of a damaged file.
    """
    import pandas as pd

    where = f"the column {series.name!r} of {source}"
    values = series.astype(object).to_numpy()
    missing = pd.isna(values)
    found = np.empty(len(values), dtype=object)
    known: dict[Any, str] = {}
    for row, value in enumerate(values):
        if isinstance(value, list | dict | set | tuple | np.ndarray):
            raise TableError(f"{where} holds lists or other compound values: name patients plainly")
        text = "" if missing[row] else known.get((type(value), value))
        if text is None:
            text = known[type(value), value] = _text(value)
        if not text:
            raise TableError(f"{where} is empty in data row {row + 1}: name the patient")
        found[row] = text
    for text in known.values():
        if any(mark in text for mark in _UNLIKELY):
            row = int((found == text).argmax())
            raise TableError(
                f"{where} holds {shown(text)} in data row {row + 1}: name patients without "
                "quotation marks, semicolons, tabs, line breaks and byte-order marks"
            )
    return found


def _text(value: Any) -> str:
    number = isinstance(value, float | np.floating)
    return str(int(value)) if number and abs(value) < 2**53 and value == int(value) else str(value).strip()


def are_whole(names: Iterable[str]) -> bool:
    """Whether every name is a whole number, written as one writes it.

    >>> are_whole(["7", "101"]), are_whole(["007", "7"]), are_whole(["7", "7.5"])
    (True, False, False)
    """
    return all(_WHOLE.fullmatch(name) for name in names)


def in_order(names: Iterable[str]) -> list[str]:
    """The distinct names in the order of numbers if all are whole, else in that of text: whatever the order of the rows.

    >>> in_order(["10", "9", "10"]), in_order(["b", "10", "9"])
    (['9', '10'], ['10', '9', 'b'])
    """
    distinct = set(names)
    return sorted(distinct, key=int) if are_whole(distinct) else sorted(distinct)


def are_running(names: Iterable[str]) -> bool:
    """Whether names are plain running numbers, from 0 or 1 on with few left out, which any hospital may give its patients.

    >>> are_running(["1", "2", "3", "5"]), are_running(["1001", "1002"]), are_running(["1", "1000"])
    (True, False, False)
    """
    distinct = set(names)
    if not are_whole(distinct):
        return False
    numbers = sorted(map(int, distinct))
    return numbers[0] in (0, 1) and numbers[-1] <= 1.5 * len(numbers) + 1
