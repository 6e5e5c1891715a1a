"""The options of the command ``ddlib merge`` that say how files are read."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddlib.files import InputError, read_yaml
from ddlib.merge.reading.options import MISSING, ReadingOptions

__all__ = ["add_arguments", "reading_options"]

_UNITS_HELP = (
    "YAML file with factors that bring columns to common units: a line `glucose: 0.0555` holds for all tables, the same line "
    "indented below a line `a.csv:` for one; `[factor, offset]` also adds"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options about reading to a parser, in a group of their own.

    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args(["--decimal", ",", "--na", "-99"]).na
    ['-99']
    """
    group = parser.add_argument_group("reading the files", "What is found out about each file is said in one line.")
    group.add_argument("--separator", metavar="SIGN", help="of fields in text: , ; | or tab (default: by the header)")
    group.add_argument("--decimal", metavar="SIGN", help=". or , (default: by all numbers of the file)")
    group.add_argument("--encoding", metavar="NAME", help="of text, as utf-8, utf-16 or latin-1 (default: by the bytes)")
    missing = ", ".join(MISSING).replace("%", "%%")
    group.add_argument(
        "--na",
        action="append",
        metavar="TEXT",
        help=f"what stands for a missing value besides an empty cell; may be given many times (in place of {missing})",
    )
    group.add_argument("--long", metavar="NAME=VALUE", help="columns of a table with one row per measurement: LBTESTCD=LBSTRESN")
    group.add_argument("--unit-column", metavar="COLUMN", help="the column with the unit in such a table (default: LBSTRESU, unit)")
    group.add_argument("--source-column", metavar="COLUMN", help="the column that names the hospital of each row")
    group.add_argument("--units", type=Path, metavar="FILE", help=_UNITS_HELP)
    limits = (
        "what becomes of values such as <0.5: keep them as what they are, of which the model knows no more than that; take half of "
        "the limit, or the limit, for them; refuse them (default: %(default)s)"
    )
    group.add_argument("--limits", default="keep", choices=("keep", "half", "limit", "refuse"), help=limits)


def reading_options(given: argparse.Namespace) -> ReadingOptions:
    """The options that were given on the command line.

    Raises:
        InputError: if --long is not NAME=VALUE, or the file of units cannot be read.

    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> reading_options(parser.parse_args(["--long", "LBTESTCD=LBSTRESN"])).long
    ('LBTESTCD', 'LBSTRESN')
    """
    long = None
    if given.long is not None:
        name, sign, value = given.long.partition("=")
        if not (sign and name.strip() and value.strip()):
            raise InputError(f"--long takes NAME=VALUE, as in LBTESTCD=LBSTRESN, but it is {given.long!r}")
        long = (name.strip(), value.strip())
    return ReadingOptions(
        separator=given.separator,
        decimal=given.decimal,
        encoding=given.encoding,
        na=MISSING if given.na is None else tuple(given.na),
        long=long,
        unit=given.unit_column,
        source_column=given.source_column,
        units=None if given.units is None else _read_units(given.units),
        limits=given.limits,
        drop=tuple(getattr(given, "drop", ())),
    )


def _read_units(path: Path) -> object:
    if not path.is_file():
        raise InputError(f"there is no file of units {path}")
    content = read_yaml(path)
    if content is None:
        raise InputError(f"the file of units {path} is empty: write lines as `glucose: 0.0555`, or leave out --units")
    return content
