"""What the user may say about the files, where they leave it open or say it wrongly."""

from __future__ import annotations

import codecs
from typing import Any, Literal, NamedTuple

from ddlib.files import InputError

__all__ = ["MISSING", "ReadingOptions", "check_options"]

MISSING = (".", "-", "--", "–", "—", "NA", "N/A", "N.A.", "#N/A", "<NA>", "NaN", "NaT", "ND", "N.D.", "not done", "missing", "null")
"""What stands for a missing value unless the user says otherwise, in any case of letters; an empty cell always does."""
_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "bar": "|"}
_DECIMALS = {"point": ".", "comma": ","}
Limits = Literal["keep", "half", "limit", "refuse"]


class ReadingOptions(NamedTuple):
    """How files are read; the defaults find out, and refuse what can be read in two ways.

    Attributes:
        separator: of the fields of a text file, one sign; None: found from the header.
        decimal: ``"."`` or ``","``; None: found from all numbers of the file.
        encoding: of text files and of SAS transport files; None: found from the bytes.
        na: what stands for a missing value, in any case of letters; an empty cell always does.
        long: the columns with a parameter's name and its value, for tables with one row per measurement.
        unit: the column with the unit in such a table; None: LBSTRESU or LBORRESU, or one that is called unit, if there is one.
        source_column: the column that names the hospital of each row.
        units: ``{column: factor}`` for all tables or ``{file or source: {column: factor}}`` for one; ``[factor, offset]`` for a
            factor. Values are multiplied by the factor, and the offset is added.
        limits: what becomes of values such as ``<0.5``: ``"keep"`` reads them as what they are; ``"half"`` of the limit, or the
            limit itself of ``>200``; the ``"limit"``; or ``"refuse"``.
        drop: columns that are not interpreted, because they are left out later.

    >>> ReadingOptions(decimal=",").na[0]
    '.'
    """

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    na: tuple[str, ...] = MISSING
    long: tuple[str, str] | None = None
    unit: str | None = None
    source_column: str | None = None
    units: Any = None
    limits: Limits = "keep"
    drop: tuple[str, ...] = ()


def check_options(options: ReadingOptions) -> ReadingOptions:
    """The same options, with names of signs replaced by the signs.

    Raises:
        InputError: if one of them is none of what it may be.

    >>> check_options(ReadingOptions(separator="semicolon", decimal="comma"))[:2]
    (';', ',')
    """
    separator = _SEPARATORS.get(options.separator or "", options.separator)
    decimal = _DECIMALS.get(options.decimal or "", options.decimal)
    if separator is not None and (len(separator) != 1 or separator in '"\r\n' or separator.isalnum()):
        raise InputError(
            f"the separator (--separator) must be one sign such as ';', or {', '.join(_SEPARATORS)}, not {separator!r}"
        )
    if decimal not in (None, ".", ","):
        raise InputError(f"the decimal sign (--decimal) must be . or , and not {decimal!r}")
    if options.encoding is not None:
        try:
            known = codecs.lookup(options.encoding)
            "a".encode(known.name).decode(known.name)
        except (LookupError, ValueError):
            raise InputError(
                f"no encoding is called {options.encoding!r}: give utf-8, utf-16, latin-1 or cp1252, for example (--encoding)"
            ) from None
    if options.limits not in ("keep", "half", "limit", "refuse"):
        raise InputError(
            f"the limits of detection (--limits) may be 'keep', 'half', 'limit' or 'refuse', but not {options.limits!r}"
        )
    if options.long is not None and (len(options.long) != 2 or not all(options.long) or options.long[0] == options.long[1]):
        raise InputError("a long table (--long) is told by two columns, NAME=VALUE: that of the parameter and that of its value")
    if options.unit is not None and options.long is None:
        raise InputError("a column of units (--unit-column) is read in long tables only: say which they are with --long NAME=VALUE")
    return options._replace(separator=separator, decimal=decimal)
