"""Excel: the first sheet with anything in it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddlib.extras import needed
from ddlib.files import InputError
from ddlib.merge.reading.delimited import check_names, plain_name

if TYPE_CHECKING:
    import pandas as pd

_FORMULA = re.compile(rb"<f[ >/]")


def read_sheet(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """The cells of a workbook's first sheet that is not empty, and what was found about it.

    The header is the first row that is not blank; blank rows and unnamed blank columns do not count. A cell with a formula has the
    value that was computed when the file was saved.

    Raises:
        ModuleNotFoundError: if the package openpyxl is not installed.
        InputError: if all sheets are empty, the header is ambiguous, or a formula has no value.
    """
    import pandas as pd

    package = needed("openpyxl", "formats")
    with path.open("rb") as stream:
        book = package.load_workbook(stream, read_only=True, data_only=True)
        sheets = [sheet for sheet in book.worksheets if hasattr(sheet, "iter_rows")]
        for sheet in sheets:
            rows, lines = _rows(sheet)
            if rows:
                break
        else:
            raise InputError(f"{path} is empty: leave it out, or fill it")
        _check_formulas(path, stream, sheet.title, package)
    width = max(len(row) for row in rows)
    rows = [row + [None] * (width - len(row)) for row in rows]
    names = ["" if value is None else plain_name(str(value)) for value in rows[0]]
    kept = [place for place, name in enumerate(names) if name or any(row[place] is not None for row in rows[1:])]
    names = [names[place] for place in kept]
    check_names(names, path, f"row {lines[0]}")
    frame = pd.DataFrame({name: _column([row[place] for row in rows[1:]]) for name, place in zip(names, kept, strict=True)})
    said = ["Excel"] if len(sheets) == 1 else [f"Excel, sheet {sheet.title!r} alone of {len(sheets)}"]
    return frame, said


def _rows(sheet: Any) -> tuple[list[list[Any]], list[int]]:
    """The rows that are not blank, and their numbers; cells of white space alone are blank."""
    rows, lines = [], []
    sheet.reset_dimensions()
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        cells = [None if isinstance(value, str) and not value.strip() else value for value in row]
        if any(value is not None for value in cells):
            rows.append(cells)
            lines.append(number)
    return rows, lines


def _column(values: list[Any]) -> Any:
    """Cells as a numeric column where all are numbers or empty, else as they are."""
    import pandas as pd

    numeric = all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values)
    return pd.Series(values, dtype=float if numeric else object)


def _check_formulas(path: Path, stream: Any, title: str, package: Any) -> None:
    """Refuse a sheet with a formula that was never computed: its value would be missing in silence."""
    stream.seek(0)
    with zipfile.ZipFile(stream) as archive:
        inside = [name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        if not any(_FORMULA.search(archive.read(name)) for name in inside):
            return
    values, formulas = (
        package.load_workbook(path, read_only=True, data_only=data_only)[title].iter_rows() for data_only in (True, False)
    )
    for row, asked in zip(values, formulas, strict=True):
        for cell, formula in zip(row, asked, strict=True):
            if cell.value is None and isinstance(formula.value, str) and formula.value.startswith("="):
                raise InputError(
                    f"the cell {formula.coordinate} of {path} has a formula whose value was never computed: open the file in Excel "
                    "and save it"
                )
