"""Long tables, one row per measurement, made wide: one row per patient and visit, one column per parameter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ddlib.files import InputError
from ddlib.merge.columns import nearest, shown
from ddlib.merge.reading.cells import is_missing
from ddlib.merge.reading.identity import names, texts

if TYPE_CHECKING:
    import pandas as pd

_UNIT_NAMES = ("unit", "units", "einheit", "lbstresu", "lborresu")
_UNITS_OF = {"LBSTRESN": "LBSTRESU", "LBSTRESC": "LBSTRESU", "LBORRES": "LBORRESU"}
"""In the tables of CDISC, the unit's column of each value's."""


class Wide(NamedTuple):
    """A long table made wide.

    Attributes:
        frame: the keys, then one column per parameter in the order in which they come; cells are not interpreted.
        units: the units of each parameter, in the order in which they come.
    """

    frame: pd.DataFrame
    units: dict[str, list[str]]


def made_wide(
    frame: pd.DataFrame, path: Path, keys: list[str], long: tuple[str, str], unit: str | None, na: frozenset[str]
) -> Wide:
    """One row per patient and visit, one column per parameter.

    Args:
        frame: the long table; columns that are neither keys nor named here are left out.
        path: of its file, for messages.
        keys: the columns with the patient, the time and, where there is one, the hospital.
        long: the columns with the parameter and its value.
        unit: the column with the value's unit; None: one of the usual ones, if there is one.
        na: what stands for a missing value.

    Raises:
        InputError: if a column is not there, a key or a parameter is empty, or a value is given twice.
    """
    import pandas as pd

    parameter, value = long
    unit = unit or _usual_unit(list(frame.columns), value)
    for name in (parameter, value, *([] if unit is None else [unit])):
        if name not in frame.columns:
            raise InputError(f"{path} has no column {name!r}, which --long or --unit-column names: {nearest(name, frame.columns)}")
        if name in keys:
            raise InputError(
                f"the column {name!r} of {path} cannot be the patient, the time or the hospital and part of --long too"
            )
    said = {name: names(frame[name], f"the column {name!r} of {path}", na) for name in keys}
    said[parameter] = texts(frame[parameter], f"the column {parameter!r} of {path}")  # where NA is sodium
    for name, filled in said.items():
        if filled.isna().any():
            raise InputError(f"the column {name!r} of {path} is empty in data row {int(filled.isna().argmax()) + 1}: fill it")
    row, first = _groups(pd.DataFrame({name: said[name] for name in keys}))
    column, parameters = pd.factorize(said[parameter])
    if set(parameters) & set(keys):
        raise InputError(f"{path} has a parameter called {min(set(parameters) & set(keys))!r}, as a column is: rename one of them")
    cells = frame[value]
    there = (
        ~np.array([is_missing(cell.strip() if isinstance(cell, str) else cell, na) for cell in cells]) & cells.notna().to_numpy()
    )
    _check_once(row * len(parameters) + column, there, lambda k: [said[name].iloc[k] for name in (*keys, parameter)], path)
    wide = frame[keys].iloc[first].reset_index(drop=True)
    made = {name: _spread(cells, there & (column == place), row, len(first)) for place, name in enumerate(parameters)}
    units = {} if unit is None else _units(texts(frame[unit], f"the column {unit!r} of {path}", na)[there], said[parameter][there])
    return Wide(pd.concat([wide, pd.DataFrame(made)], axis=1), units)


def _usual_unit(columns: list[str], value: str) -> str | None:
    if _UNITS_OF.get(value) in columns:
        return _UNITS_OF[value]
    found = [name for name in columns if name.casefold() in _UNIT_NAMES]
    return found[0] if len(found) == 1 else None


def _groups(keys: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The number of each row's patient and visit, in the order in which they come, and the first row of each."""
    numbers = keys.groupby(list(keys.columns), sort=False).ngroup().to_numpy()
    _, first = np.unique(numbers, return_index=True)
    return numbers, first


def _check_once(entry: np.ndarray, there: np.ndarray, called: object, path: Path) -> None:
    """Refuse a second value of one parameter of a patient at one time."""
    rows = np.flatnonzero(there)
    _, first, inverse = np.unique(entry[rows], return_index=True, return_inverse=True)
    again = np.flatnonzero(first[inverse] != np.arange(len(rows)))
    if len(again):
        row, before = rows[again[0]], rows[first[inverse[again[0]]]]
        *who, parameter = called(row)  # type: ignore[operator]
        raise InputError(
            f"{path} has two values of {parameter!r} for the patient {shown(str(who[0]))} at the time {shown(str(who[1]))} (data "
            f"rows {before + 1} and {row + 1}): keep one of them"
        )


def _spread(cells: pd.Series, chosen: np.ndarray, row: np.ndarray, rows: int) -> pd.Series:
    """The chosen cells at their rows of the wide table, nothing elsewhere."""
    import pandas as pd

    numeric = cells.dtype.kind in "iuf"
    found = pd.Series(np.nan, index=range(rows), dtype=float if numeric else object)
    found.iloc[row[chosen]] = cells.to_numpy(dtype=float if numeric else object, na_value=np.nan)[chosen]
    return found


def _units(units: pd.Series, parameters: pd.Series) -> dict[str, list[str]]:
    import pandas as pd

    pairs = pd.DataFrame({"parameter": parameters, "unit": units}).dropna().drop_duplicates()
    return {str(name): [str(unit) for unit in part] for name, part in pairs.groupby("parameter", sort=False)["unit"]}


def unit_warnings(units: dict[str, dict[str, list[str]]]) -> list[str]:
    """One sentence for each parameter that has several units, in one file or in several."""
    found = []
    for parameter in dict.fromkeys(name for part in units.values() for name in part):
        told = {file: part[parameter] for file, part in units.items() if parameter in part}
        every = list(dict.fromkeys(unit for part in told.values() for unit in part))
        if len(every) > 1:
            inside = [file for file, part in told.items() if len(part) > 1]
            where = f"in {inside[0]}" if inside else f"in {', '.join(told)}"
            found.append(
                f"{parameter!r} has the units {', '.join(map(repr, every))} {where}: bring them to one, by --units where each file "
                "has its own"
            )
    return found
