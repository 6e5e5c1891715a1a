"""What has to be true of a CSV file's text before it is read: readers repair much in silence, and change the meaning."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ddlib.merge.errors import TableError


class Header(NamedTuple):
    """What a checked file holds.

    Attributes:
        names: of the columns, without the white space round them; unnamed empty columns at the end are left out.
        rows: how many rows of data follow.
    """

    names: list[str]
    rows: int


def plain_name(name: str) -> str:
    """A column's name without white space and byte-order marks round it."""
    return name.strip().strip("\ufeff").strip()


def check_csv(path: Path) -> Header:
    """Check that every row of a file has as many fields as its header, and that nothing else in it is ambiguous.

    Args:
        path: of a file in UTF-8 with fields separated by commas; blank lines do not count.

    Raises:
        TableError: if a row has more or fewer fields, a quotation mark is astray, or the header has no name, or twice the same one,
            for a column that is not empty.
    """
    with path.open(encoding="utf-8-sig", newline="") as stream:
        records = _records(stream, path)
        first, raw = next(records, (0, []))
        if not raw:
            raise TableError(f"{path} is empty: leave it out, or fill it")
        _check_separator(raw, path)
        names = [plain_name(name) for name in raw]
        filled, rows = [False] * len(names), 0
        unnamed = [place for place, name in enumerate(names) if not name]
        for line, fields in records:
            rows += 1
            if len(fields) != len(names):
                raise TableError(_wrong_count(line, len(fields), len(names), path))
            for place in unnamed:
                filled[place] |= bool(fields[place].strip())
    while len(names) > 1 and not names[-1] and not filled[len(names) - 1]:
        names.pop()
    _check_names(names, first, path)
    return Header(names, rows)


def _records(lines: Iterable[str], path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of its first line."""

    def text() -> Iterator[str]:
        for number, line in enumerate(lines, start=1):
            if "\0" in line:
                raise TableError(f"line {number} of {path} holds zero bytes: save the table as text in UTF-8")
            yield line

    reader = csv.reader(text(), strict=True)
    width = None
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise TableError(
                f"a quotation mark of {path} in or after line {line} is not closed, or is closed within a field: remove it"
            ) from None
        if not fields or (len(fields) == 1 and fields[0] and not fields[0].strip(" \t")):
            continue
        width = width or len(fields)
        # Quotation marks that are astray can swallow whole rows; a text of several lines has rarely as many commas as a row.
        if reader.line_num > line and sum(field.count(",") for field in fields) >= width - 1:
            raise TableError(
                f"quotation marks of {path} join its lines {line} to {reader.line_num} into one row: remove those that are astray"
            )
        yield line, fields


def _check_separator(names: list[str], path: Path) -> None:
    for mark, what in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and mark in names[0]:
            raise TableError(f"the fields of {path} are separated by {what}: write commas")


def _wrong_count(line: int, found: int, wanted: int, path: Path) -> str:
    cure = (
        "look for a comma too many, at the end of the line or as a decimal sign"
        if found > wanted
        else "look for a value or a comma that is missing, and leave unknown cells empty between their commas"
    )
    fields = f"{found} field{'s' * (found != 1)}"
    return f"line {line} of {path} has {fields} but the header has {wanted}: {cure}"


def _check_names(names: list[str], line: int, path: Path) -> None:
    for place, name in enumerate(names, start=1):
        if not name:
            raise TableError(f"column {place} of {path} has no name (line {line}): name it, or delete it if it is not wanted")
        if any(mark in name for mark in '";\t\r\n'):
            raise TableError(
                f"line {line} of {path} names a column {name!r}: write the header on one line, without quotation marks, semicolons "
                "and tabs in the names"
            )
        if names.count(name) > 1:
            raise TableError(f"{path} has two columns called {name!r}: rename or drop one of them")
