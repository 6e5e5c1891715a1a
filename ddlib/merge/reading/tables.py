"""From files to tables of numbers, one per hospital, and one line per file about what was found in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ddlib.files import InputError
from ddlib.merge.columns import nearest, shown
from ddlib.merge.errors import TableError
from ddlib.merge.reading.cells import Distinct, ReadCells, Rules, distinct, read_cells
from ddlib.merge.reading.dates import read_times
from ddlib.merge.reading.decimals import decimal_sign
from ddlib.merge.reading.formats import Raw, read_raw
from ddlib.merge.reading.identity import names
from ddlib.merge.reading.limits import settled
from ddlib.merge.reading.long import made_wide, unit_warnings
from ddlib.merge.reading.options import ReadingOptions, check_options
from ddlib.merge.reading.split import SourceFile, split
from ddlib.merge.reading.units import read_units
from ddlib.merge.reading.words import coded, coding, told
from ddlib.merge.timeless import has_no_time, named_time

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Reading", "read_tables"]


class Reading(NamedTuple):
    """What was read.

    Attributes:
        frames: a table for each hospital, by its name: patients as text, times as numbers or dates, and numbers, with texts such as
            ``<0.5`` beside them where values are beyond a limit of detection; columns that are to be dropped are as the file has
            them.
        notes: one line for each file.
        warned: what should be looked into.

    >>> Reading._fields
    ('frames', 'notes', 'warned')
    """

    frames: dict[str, pd.DataFrame]
    notes: list[str]
    warned: list[str]


class _File(NamedTuple):
    """A file that has been read by itself.

    Attributes:
        path, name: of the file, and what it is called.
        keys: the patient, the time and, where there is one, the hospital of each row.
        others: the columns that are to be dropped, as the file has them.
        cells: the measured columns.
        order: the names of all columns but that of the hospital.
        said: what was found about the file.
        done: what was made of its cells.
        units: of the parameters of a long table.
        row: what a row is called in messages.
        bare: whether it has no time, so that the one of its rows stands for none.
    """

    path: Path
    name: str
    keys: pd.DataFrame
    others: pd.DataFrame
    cells: dict[str, ReadCells]
    order: list[str]
    said: list[str]
    done: list[str]
    units: dict[str, list[str]]
    row: Callable[[int], str]
    bare: bool


def read_tables(paths: Sequence[Path], id: str, time: str | None, options: ReadingOptions | None = None) -> Reading:
    r"""Read files as hospitals export them.

    Args:
        paths: of text (.csv, .tsv, .txt), Excel, SAS, SPSS, Stata and Parquet files; each is a hospital, unless a column says which
            hospital each row is from.
        id, time: the columns with the patient and the time; a table may lack the time if each patient has one row.
        options: what the user says about the files.

    Raises:
        InputError: if a file cannot be read, or can be read in two ways; the sentence says which option decides.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "b.csv"
    ...     _ = path.write_text("id;day;crp;sex\n007;0;1,5;f\n007;7;ND;f\n7;0;2,0;m\n")
    ...     reading = read_tables([path], "id", "day")
    >>> reading.notes
    ["b.csv: semicolons, decimal comma, UTF-8; 'ND' read as missing; 'sex': f = 0, m = 1"]
    >>> reading.frames["b.csv"].id.tolist(), reading.frames["b.csv"].crp.tolist()
    (['007', '007', '7'], [1.5, nan, 2.0])
    """
    options = check_options(options or ReadingOptions())
    if id == time or (options.source_column is not None and options.source_column in (id, time)):
        raise InputError(f"the patient, the time and the hospital must be different columns, but they are {id!r} and {time!r}")
    files = [_read_file(path, _name(path, paths), id, time, options) for path in paths]
    _code_words(files)
    tables = [settled(file.cells, options.limits, file.name, file.row, file.done) for file in files]
    sources = split(
        [
            SourceFile(file.name, file.path, file.keys, file.others, table, file.order)
            for file, table in zip(files, tables, strict=True)
        ],
        options.source_column,
    )
    changes = read_units(
        options.units, {name: source.path for name, source in sources.items()}, {n: list(s.cells) for n, s in sources.items()}
    )
    reading = Reading({}, [], unit_warnings({file.name: file.units for file in files}))
    bare = {file.path for file in files if file.bare}
    for name, source in sources.items():
        frame = source.in_units(changes[name]).frame()
        reading.frames[name] = frame.drop(columns=named_time(time)) if source.path in bare else frame
    for file in files:
        mine = [changes[name] for name, source in sources.items() if source.path == file.path]
        factors = dict.fromkeys(change.told(column) for part in mine for column, change in part.items())
        reading.notes.append("; ".join([f"{file.name}: {', '.join(file.said)}", *file.done, *factors]))
    return reading


def _name(path: Path, paths: Sequence[Path]) -> str:
    """What a file is called: by its name, with its folder where two files have the same."""
    return path.name if sum(other.name == path.name for other in paths) == 1 else str(path)


def _read_file(path: Path, name: str, id: str, column: str | None, options: ReadingOptions) -> _File:
    time = named_time(column)
    na = frozenset(text.strip().casefold() for text in options.na)
    keys = [id, time, *([] if options.source_column is None else [options.source_column])]
    raw = read_raw(path, options, (*keys, *(options.long or ())))
    bare = _is_bare(raw.frame, name, id, column, options)
    frame, said, done = raw.frame.assign(**{time: 1}) if bare else raw.frame, list(raw.said), list[str]()
    _check_keys(frame, name, keys)
    units: dict[str, list[str]] = {}
    row: Callable[[int], str] = _data_row
    if options.long is not None:
        frame, units = made_wide(frame, path, keys, options.long, options.unit, na)
        done.append(f"long table with {len(frame.columns) - len(keys)} parameters in {options.long[0]!r}")
        row = _visit_row(frame, id, time)
    measured = [column for column in frame.columns if column not in keys and column not in options.drop]
    place = {column: f"the column {column!r} of {name}" for column in frame.columns}
    cells = {column: _distinct(frame[column], place[column]) for column in [time, *measured]}
    sign = options.decimal or _sign(cells, path, raw)
    if sign is not None:
        said.insert(1, f"decimal {'point' if sign == '.' else 'comma'}")
    rules = Rules(sign or ".", na)
    times, dates = read_times(frame[time], cells[time], rules, place[time], row)
    read = {column: read_cells(frame[column], cells[column], rules, place[column], row) for column in measured}
    whose = {column: times if column == time else names(frame[column], place[column], na) for column in keys}
    import pandas as pd

    done += [text for text in (dates, _missing(read), _grouped(read)) if text]
    dropped = [column for column in frame.columns if column in options.drop and column not in keys]
    order = [column for column in frame.columns if column != options.source_column]
    return _File(path, name, pd.DataFrame(whose), frame[dropped], read, order, said, done, units, row, bare)


def _is_bare(frame: pd.DataFrame, name: str, id: str, time: str | None, options: ReadingOptions) -> bool:
    """Whether a table has no time column, and one row of each patient."""
    keys = [id] if options.source_column is None else [id, options.source_column]
    try:
        bare = has_no_time(frame.columns, time) and options.long is None and set(keys) <= set(frame.columns)
    except TableError as error:
        raise InputError(f"{name}: {error}") from None
    once = bare and not frame[keys].map(lambda cell: str(cell).strip()).duplicated().any()
    if time is None and not once and set(keys) <= set(frame.columns):
        long = options.long is not None
        what = "is a long table" if long else "has several rows of a patient"
        raise InputError(f"{name} {what}, and no time column is named: say which it is (--time)")
    return once


def _data_row(row: int) -> str:
    return f"data row {row + 1}"


def _visit_row(frame: pd.DataFrame, id: str, time: str) -> Callable[[int], str]:
    return lambda row: f"patient {shown(frame[id].iloc[row])} at {shown(frame[time].iloc[row])}"


def _check_keys(frame: pd.DataFrame, name: str, keys: list[str]) -> None:
    for column in keys:
        if column not in frame.columns:
            raise InputError(f"{name} has no column {column!r}: {nearest(column, frame.columns)}")
    if not len(frame):
        raise InputError(f"{name} has no rows: leave it out, or fill it")


def _distinct(series: pd.Series, place: str) -> Distinct | None:
    """The distinct cells of a column that may hold text; None of one whose type is numeric."""
    import pandas as pd

    numeric = pd.api.types.is_numeric_dtype(series.dtype) or pd.api.types.is_bool_dtype(series.dtype)
    return None if numeric and not isinstance(series.dtype, pd.CategoricalDtype) else distinct(series, place)


def _sign(cells: dict[str, Distinct | None], path: Path, raw: Raw) -> str | None:
    texts = [(column, found.texts()) for column, found in cells.items() if found is not None]
    return decimal_sign(texts, path, raw.separator)


def _missing(cells: dict[str, ReadCells]) -> str:
    """What was read as missing, in words."""
    found = [repr(text) for text in dict.fromkeys(text for column in cells.values() for text in column.missing)]
    if not found:
        return ""
    most = found if len(found) <= 6 else [*found[:5], f"{len(found) - 5} more"]
    return f"{' and '.join([', '.join(most[:-1]), most[-1]] if len(most) > 1 else most)} read as missing"


def _grouped(cells: dict[str, ReadCells]) -> str:
    found = [repr(name) for name, column in cells.items() if column.grouped]
    return f"thousands are parted in {', '.join(found[:4])}{' and others' * (len(found) > 4)}" if found else ""


def _code_words(files: list[_File]) -> None:
    """Replace two words of a column by 0 and 1, the same in all files."""
    every = dict.fromkeys(name for file in files for name, column in file.cells.items() if column.words is not None)
    for name in every:
        words = {file.name: words for file in files if name in file.cells and (words := file.cells[name].words) is not None}
        numeric = [file.name for file in files if name in file.cells and file.cells[name].measured()]
        codes = coding(name, words, numeric[0] if numeric else None)
        for file in files:
            if file.name in words:
                file.cells[name] = ReadCells(coded(words[file.name], codes))
                file.done.append(told(name, codes))
