"""Text tables: what has to be true of the text before it is read, for readers repair much in silence and change the meaning."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ddlib.files import InputError

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


class Text(NamedTuple):
    """A checked text.

    Attributes:
        content: the text, from its header on.
        separator: between the fields.
        names: of the columns, without the white space round them; unnamed empty columns at the end are left out.
        rows: how many rows of data follow.
    """

    content: str
    separator: str
    names: list[str]
    rows: int


def separators(sign: str) -> str:
    """What a separator is called, in the plural."""
    return _SEPARATORS.get(sign, f"separators {sign!r}")


def plain_name(name: str) -> str:
    """A column's name without white space and byte-order marks round it."""
    return name.strip().strip("\ufeff").strip()


def check_text(content: str, path: Path, wanted: tuple[str, ...], separator: str | None = None) -> Text:
    """Find the separator, and check that every row has as many fields as the header, and that nothing else is ambiguous.

    Args:
        content: the file's text; blank lines do not count. A first line such as ``sep=;``, which Excel writes, is obeyed.
        path: of the file, for messages.
        wanted: columns that the table should have: the separator is the one by which the header has them.
        separator: the one that the user says.

    Raises:
        InputError: if a row has more or fewer fields, a quotation mark is astray, or the header has no name, or twice the same one,
            for a column that is not empty.
    """
    start, content = _said_separator(content)
    separator = separator or start or _separator(content, path, wanted)
    records = _records(content, path, separator)
    first, raw = next(records, (0, []))
    if not raw:
        raise InputError(f"{path} is empty: leave it out, or fill it")
    names = [plain_name(name) for name in raw]
    filled, rows = [False] * len(names), 0
    unnamed = [place for place, name in enumerate(names) if not name]
    for line, fields in records:
        rows += 1
        if len(fields) != len(names):
            raise InputError(_wrong_count(line, len(fields), len(names), path, separator))
        for place in unnamed:
            filled[place] |= bool(fields[place].strip())
    while len(names) > 1 and not names[-1] and not filled[len(names) - 1]:
        names.pop()
    check_names(names, path, f"line {first}")
    return Text(content, separator, names, rows)


def _said_separator(content: str) -> tuple[str | None, str]:
    """The separator that a first line ``sep=;`` says, and the text with that line made blank."""
    line, end, rest = content.partition("\n")
    said = line.strip().strip("\ufeff")
    if end and len(said) == 5 and said.lower().startswith("sep="):
        return said[4], end + rest
    return None, content


def _separator(content: str, path: Path, wanted: tuple[str, ...]) -> str:
    """The separator by which the header has the wanted columns; if none does, the one that gives most fields."""
    headers = {}
    for sign in _SEPARATORS:
        try:
            headers[sign] = [plain_name(name) for name in next(_records(content, path, sign), (0, [""]))[1]]
        except InputError:
            continue
    if not headers:
        return ","
    fitting = [sign for sign, names in headers.items() if set(wanted) <= set(names)]
    if len(fitting) > 1:
        found = " or ".join(separators(sign) for sign in fitting)
        raise InputError(f"the fields of {path} may be separated by {found}: say which (--separator)")
    return fitting[0] if fitting else max(headers, key=lambda sign: len(headers[sign]))


def _records(content: str, path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of its first line."""

    def text() -> Iterator[str]:
        for number, line in enumerate(io.StringIO(content, newline=""), start=1):
            if "\0" in line:
                raise InputError(f"line {number} of {path} holds zero bytes: save the table as text in UTF-8")
            yield line

    reader = csv.reader(text(), strict=True, delimiter=separator)
    width = None
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise InputError(
                f"a quotation mark of {path} in or after line {line} is not closed, or is closed within a field: remove it"
            ) from None
        if not fields or (len(fields) == 1 and fields[0] and not fields[0].strip(" \t")):
            continue
        width = width or len(fields)
        # Quotation marks that are astray can swallow whole rows; a text of several lines has rarely as many separators as a row.
        if reader.line_num > line and sum(field.count(separator) for field in fields) >= width - 1:
            raise InputError(
                f"quotation marks of {path} join its lines {line} to {reader.line_num} into one row: remove those that are astray"
            )
        yield line, fields


def _wrong_count(line: int, found: int, wanted: int, path: Path, separator: str) -> str:
    one = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}.get(separator, f"separator {separator!r}")
    decimal = " or as a decimal sign" if separator == "," else ""
    cure = (
        f"look for a {one} too many, at the end of the line{decimal}"
        if found > wanted
        else f"look for a value or a {one} that is missing, and leave unknown cells empty between their {separators(separator)}"
    )
    fields = f"{found} field{'s' * (found != 1)}"
    return f"line {line} of {path} has {fields} but the header has {wanted}: {cure}"


def check_names(names: list[str], path: Path, where: str) -> None:
    """Refuse a header that names a column not at all, twice, or with signs that a damaged text leaves in it.

    Raises:
        InputError: for the first such name.
    """
    for place, name in enumerate(names, start=1):
        if not name:
            raise InputError(f"column {place} of {path} has no name ({where}): name it, or delete it if it is not wanted")
        if any(mark in name for mark in '";\t\r\n'):
            raise InputError(
                f"{where} of {path} names a column {name!r}: write the header on one line, without quotation marks, semicolons "
                "and tabs in the names"
            )
        if names.count(name) > 1:
            raise InputError(f"{path} has two columns called {name!r}: rename or drop one of them")
