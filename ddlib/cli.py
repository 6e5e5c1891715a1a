"""The command ``ddlib``: ``ddlib merge``, and a word to whoever looks for the study's commands here.

What takes seconds to load, torch and pandas, is imported when a merge begins, so that help comes at once.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import ddlib
from ddlib.console import EXIT, say, speaking
from ddlib.files import InputError
from ddlib.merge.reading.arguments import add_arguments, reading_options

__all__ = ["main", "parser"]

STUDY = ("run", "parameters", "book", "render", "sweep", "claims", "repeat", "reference", "archive", "links", "status", "accept")
"""Commands about notebooks, chapters and the book, which are of the study: ``ddbook run`` and so on."""
_NEEDED = ("pandas", "yaml", "rich")
"""What ``ddlib merge`` imports and the library alone does not."""
_TABLES_HELP = (
    "files, one per source: text (.csv, .tsv, .txt), Excel, SAS, SPSS, Stata or Parquet; a row is a patient's visit, or "
    "a measurement with --long"
)
_NOISE_HELP = (
    "YAML file with the standard deviations of measurement errors: a line `hb: 0.4` holds for a column of all tables, and the same "
    "line indented below a line `a.csv:` for that of the table a.csv only"
)
_ROWS_HELP = (
    "the number of synthetic patients; more where the summary says that they carry less than all covariances (default: %(default)s)"
)
_PRIOR_HELP = (
    "weight of the prior, in patients; more, such as 5 or 10, where the summary warns of too few patients, 0 for plain maximum "
    "likelihood where they are many (default: %(default)s)"
)
_MARGINS_HELP = (
    "auto: few values are categories, skewed columns have a scale of their own; normal: all are normal as they are, which is for "
    "columns that were transformed already, and faster (default: %(default)s)"
)
_TIME_HELP = "the column with the time of the visit: numbers or dates; may be left out where each patient has one row"
_MERGE_HELP = "merge tables with intersecting columns into one table of complete synthetic patients, with a report"
_MERGE_NOTE = """\
A table has one row for each visit of a patient, an empty cell for what was not
measured, and any columns besides the two that are named:

  patient,visit,hb,crea
  p1,0,13.1,
  p1,1,12.7,88

  ddlib merge north.csv south.csv --id patient --time visit -o all.csv

writes all.csv, all.report.html and all.report.json. Without --noise,
measurements are taken as exact. Exit status: 0 finished, 2 wrong input, 130
interrupted; nothing is written but by a merge that has finished.
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}: `{self.prog} --help` shows what there is")


def parser() -> argparse.ArgumentParser:
    """What the command understands.

    >>> given = parser().parse_args(["merge", "a.csv", "b.csv", "--id", "patient", "--time", "visit", "-o", "all.csv"])
    >>> given.command, given.rows, given.visits
    ('merge', 100, 'auto')
    """
    top = _Parser(prog="ddlib", description=(ddlib.__doc__ or "").partition("\n")[0], allow_abbrev=False)
    top.epilog = "Notebooks, chapters and the book are of the study, whose command is `ddbook`."
    top.add_argument("--version", action="version", version=f"ddlib {ddlib.__version__}")
    merge = top.add_subparsers(dest="command", metavar="COMMAND").add_parser(
        "merge",
        help=_MERGE_HELP,
        description=_MERGE_HELP.capitalize() + ".",
        epilog=_MERGE_NOTE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    merge.add_argument("tables", nargs="+", type=Path, help=_TABLES_HELP)
    merge.add_argument("--id", required=True, help="the column with the patient")
    merge.add_argument("--time", help=_TIME_HELP)
    output = "the synthetic table, .csv or .parquet; reports go beside it"
    merge.add_argument("-o", "--output", required=True, type=Path, help=output)
    merge.add_argument("--noise", type=Path, help=_NOISE_HELP)
    merge.add_argument("--rows", type=int, default=100, help=_ROWS_HELP)
    merge.add_argument("--weights", action="store_true", help="add a column: how many patients each row stands for")
    visits = "values: equal times are one visit; order: number a patient's rows; or auto (default: %(default)s)"
    merge.add_argument("--visits", default="auto", metavar="{auto,values,order}", help=visits)
    merge.add_argument(
        "--drop", action="append", default=[], metavar="COLUMN", help="a column to leave out; may be given many times"
    )
    seed = "seed of the random directions in which the synthetic patients scatter (default: %(default)s)"
    merge.add_argument("--seed", type=int, default=0, help=seed)
    merge.add_argument("--prior", type=float, default=2.0, help=_PRIOR_HELP)
    merge.add_argument("--force", action="store_true", help="replace files that exist")
    _add_people_and_time(merge)
    _add_tables_beside(merge)
    add_arguments(merge)
    return top


def _add_people_and_time(merge: argparse.ArgumentParser) -> None:
    group = merge.add_argument_group("patients, visits and columns", "What is found out is said, and stands in the report.")
    join = group.add_mutually_exclusive_group()
    join.add_argument(
        "--join", dest="join", action="store_const", const="patients", default="ask", help="equal ids are one patient"
    )
    join.add_argument(
        "--no-join", dest="join", action="store_const", const="never", help="equal ids in two tables are two patients"
    )
    static = "a column that does not change within a patient, such as age at entry; may be given many times (others are found)"
    group.add_argument("--static", action="append", default=[], metavar="COLUMN", help=static)
    window = "times that differ by so much at most, in days or the times' own unit, may be one visit (default: found)"
    group.add_argument("--window", type=float, metavar="WIDTH", help=window)
    most = "report so many visits, the first ones (default: those that enough patients have)"
    group.add_argument("--max-visits", type=int, metavar="NUMBER", help=most)
    group.add_argument("--margins", default="auto", choices=("auto", "normal"), help=_MARGINS_HELP)


def _add_tables_beside(merge: argparse.ArgumentParser) -> None:
    group = merge.add_argument_group("tables for standard errors", "The synthetic table is for none; these are, m at a time.")
    complete = (
        "write m tables of the hospitals' own patients with their missing cells drawn, and those beyond a limit of detection "
        "within it; they hold real patients; ddlib.merge.combine combines what is computed from each (Rubin's rules)"
    )
    group.add_argument("--complete", type=_count, default=0, metavar="M", help=complete)
    draws = (
        "write m tables of synthetic patients, each with its own draw of the estimate; 20 are a good number; combined likewise, "
        "with the rule for synthetic tables"
    )
    group.add_argument("--draws", type=_count, default=0, metavar="M", help=draws)


def _count(text: str) -> int:
    """A number of tables."""
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"give a whole number from 1 to 1000, not {text!r}")
    return int(text)


def _run_merge(given: argparse.Namespace) -> int:
    """``ddlib merge``; returns the exit status.

    Raises:
        InputError: if a package is missing, or the files or options cannot be used.
    """
    try:
        for package in _NEEDED:
            importlib.import_module(package)
        from ddlib.merge.files import merge_files, summary
        from ddlib.progress import Bar

        names = ("rows", "weights", "visits", "drop", "seed", "prior", "join", "static", "window", "max_visits", "margins")
        options: dict[str, Any] = {name: getattr(given, name) for name in names}
        with Bar() as bar:
            reading = reading_options(given)
            keys = (given.tables, given.id, given.time, given.output, given.noise, given.force)
            beside = (given.complete, given.draws)
            written = merge_files(*keys, bar.show, reading, *beside, notice=say, **options)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "ddlib":
            raise
        raise InputError(f"merging files takes the package {error.name}: pip install 'ddlib[merge]'") from None
    except KeyboardInterrupt:
        say("Interrupted, nothing was written.", error=True)
        return EXIT["interrupted"]
    for line in summary(written):
        say(line)
    return EXIT["ok"]


def _answer(words: Sequence[str]) -> int:
    """What the command does with its words; returns the exit status."""
    if words and words[0] in STUDY:
        raise InputError(f"`ddlib {words[0]}` is of the study now: `ddbook {words[0]}`, which `make book` installs")
    understands = parser()
    given = understands.parse_args(words)
    if given.command is None:
        understands.print_help()
        return EXIT["ok"]
    return _run_merge(given)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point: wrong input is one sentence and exit status 2.

    >>> main(["run"])
    Traceback (most recent call last):
        ...
    SystemExit: 2
    """
    raise SystemExit(speaking("ddlib", lambda: _answer(list(sys.argv[1:] if arguments is None else arguments))))


if __name__ == "__main__":
    main()
