"""One reader for each kind of file, by its ending; what a reader gives is not interpreted yet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ddlib.files import InputError
from ddlib.merge.reading.delimited import check_names, check_text, plain_name, separators
from ddlib.merge.reading.encoding import read_text
from ddlib.merge.reading.options import ReadingOptions
from ddlib.merge.reading.sheets import read_sheet
from ddlib.merge.reading.statistical import PACKAGES, read_statistical

if TYPE_CHECKING:
    import pandas as pd


class Raw(NamedTuple):
    """A file's cells as the file has them: text, numbers or dates.

    Attributes:
        frame: the cells; of a text file, all are text.
        said: what was found about the file.
        separator: of its fields, in a text file.
    """

    frame: pd.DataFrame
    said: list[str]
    separator: str | None = None


_Reader = Callable[[Path, ReadingOptions, tuple[str, ...]], Raw]


def read_raw(path: Path, options: ReadingOptions, wanted: tuple[str, ...]) -> Raw:
    """Read a file without interpreting its cells.

    Args:
        path: of the file.
        options: how text is read.
        wanted: columns that the table should have, by which the separator of text is found.

    Raises:
        InputError: if there is no such file, it cannot be read, or its header is ambiguous.
    """
    ending = path.suffix.lower()
    if ending not in _READERS:
        raise InputError(_unknown(path, ending))
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    kind = _KINDS[ending]
    try:
        raw = _READERS[ending](path, options, wanted)
        return raw._replace(frame=raw.frame.reset_index(drop=True))
    except InputError:
        raise
    except ModuleNotFoundError as error:
        raise InputError(f"{path} is {kind}, which takes the package {error.name}: pip install 'ddlib[formats]'") from None
    except ImportError:  # pandas' own sentence about pyarrow
        raise InputError(f"{path} is {kind}, which takes the package pyarrow: install it, or give CSV files") from None
    except PermissionError:
        raise InputError(f"there is no permission to read {path}") from None
    except Exception as error:  # what the packages raise has no common base
        detail = " ".join(str(error).split())[:120].rstrip(". ")
        raise InputError(f"{path} cannot be read as {kind} ({type(error).__name__}: {detail}): write it anew") from None


def _unknown(path: Path, ending: str) -> str:
    if ending in (".xls", ".xlsb", ".ods"):
        return f"{path} is a spreadsheet of another kind than .xlsx: save it as .xlsx or as CSV"
    *most, last = _READERS
    return f"{path} ends in none of {', '.join(most)} and {last}: convert it to one of them"


def _read_delimited(path: Path, options: ReadingOptions, wanted: tuple[str, ...]) -> Raw:
    """A table from text that has been checked, so that no row is shifted against the header, cut short or joined to another."""
    import io

    import pandas as pd

    content, encoding = read_text(path, options.encoding)
    text = check_text(content, path, wanted, options.separator)
    frame = pd.read_csv(
        io.StringIO(text.content.removeprefix("\ufeff")),
        sep=text.separator,
        dtype=str,
        na_filter=False,
        index_col=False,
        header=0,
        names=text.names,
        usecols=range(len(text.names)),
    )
    if len(frame) != text.rows:
        rows = f"{text.rows} or {len(frame)} rows"
        raise InputError(f"{path} has {rows}, by how its quotation marks are read: write it without them")
    return Raw(frame, [separators(text.separator), encoding], text.separator)


def _read_excel(path: Path, options: ReadingOptions, wanted: tuple[str, ...]) -> Raw:
    return Raw(*read_sheet(path))


def _read_parquet(path: Path, options: ReadingOptions, wanted: tuple[str, ...]) -> Raw:
    import pandas as pd

    frame = pd.read_parquet(path)
    if isinstance(frame.columns, pd.MultiIndex):
        raise InputError(f"{path} has column names of several levels: give each column one name")
    if any(name is not None and name not in frame.columns for name in frame.index.names):
        frame = frame.reset_index()
    return _named(frame, path, ["Parquet"])


def _read_packaged(path: Path, options: ReadingOptions, wanted: tuple[str, ...]) -> Raw:
    frame, said = read_statistical(path, options.encoding)
    return _named(frame, path, said)


def _named(frame: pd.DataFrame, path: Path, said: list[str]) -> Raw:
    """A table with plain names for its columns."""
    names = [plain_name(str(name)) for name in frame.columns]
    check_names(names, path, "the header")
    return Raw(frame.set_axis(names, axis=1), said)


_READERS: dict[str, _Reader] = {
    ".csv": _read_delimited,
    ".tsv": _read_delimited,
    ".txt": _read_delimited,
    ".xlsx": _read_excel,
    ".xlsm": _read_excel,
    ".parquet": _read_parquet,
    ".pq": _read_parquet,
    **dict.fromkeys(PACKAGES, _read_packaged),
}
_KINDS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "text",
    ".xlsx": "an Excel file",
    ".xlsm": "an Excel file",
    ".parquet": "parquet",
    ".pq": "parquet",
    **PACKAGES,
}
