"""One table per hospital: a file, or the rows of a file that a column says are of one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ddlib.files import InputError
from ddlib.merge.reading.cells import ReadCells
from ddlib.merge.reading.units import Change

if TYPE_CHECKING:
    import pandas as pd


class SourceFile(NamedTuple):
    """A hospital's rows.

    Attributes:
        name, path: of the hospital, and of its file.
        keys, others: the columns with the patient, the time and the hospital; those that are to be dropped.
        cells: the measured columns.
        order: the names of the columns in the table.
    """

    name: str
    path: Path
    keys: pd.DataFrame
    others: pd.DataFrame
    cells: dict[str, ReadCells]
    order: list[str]

    def frame(self) -> pd.DataFrame:
        """The table."""
        import pandas as pd

        columns = {name: self.cells[name].column() if name in self.cells else self._other(name) for name in self.order}
        return pd.DataFrame(columns)

    def _other(self, name: str) -> pd.Series:
        return (self.keys if name in self.keys.columns else self.others)[name]

    def in_units(self, changes: dict[str, Change]) -> SourceFile:
        """The same in other units."""
        return self._replace(cells={name: column.changed(*changes.get(name, (1.0, 0.0))) for name, column in self.cells.items()})


def split(files: list[SourceFile], column: str | None) -> dict[str, SourceFile]:
    """The hospitals by their names: the files', or those in a column; with the file's before it where two files have the same.

    Raises:
        InputError: if the column is empty somewhere.
    """
    if column is None:
        return {file.name: file for file in files}
    found = []
    for file in files:
        empty = file.keys[column].isna().to_numpy()
        if empty.any():
            raise InputError(
                f"the column {column!r} of {file.name} is empty in data row {int(empty.argmax()) + 1}: name the hospital"
            )
        for name, rows in file.keys.groupby(column, sort=False).indices.items():
            keys, others = (part.iloc[rows].reset_index(drop=True) for part in (file.keys, file.others))
            cells = {name: cells.rows(np.asarray(rows)) for name, cells in file.cells.items()}
            found.append((str(name), file.name, SourceFile(str(name), file.path, keys, others, cells, file.order)))
    often = Counter(name for name, *_ in found)
    return {name if often[name] == 1 else f"{file}, {name}": source for name, file, source in found}
