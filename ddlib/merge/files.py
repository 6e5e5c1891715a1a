"""The command ``ddlib merge``: from files to files."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ddlib.files import InputError, read_yaml, write_atomically, write_json
from ddlib.merge.beside import tables_beside
from ddlib.merge.errors import TableError
from ddlib.merge.merging import Merged, merge
from ddlib.merge.never_together import in_sentences
from ddlib.merge.page import report_page
from ddlib.merge.reading.options import ReadingOptions
from ddlib.merge.reading.tables import read_tables
from ddlib.merge.timeless import named_time
from ddlib.merge.wording import counted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Written", "merge_files", "summary"]

_ENDINGS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}
"""What can be written."""

_TOLD = ("no times", "many visits")
"""Kinds of what was noticed that is said before the work begins."""
_NOTES = ("margins", "static", "grid", "constant")
"""Kinds that are no trouble."""


class Written(NamedTuple):
    """What a merge leaves behind.

    Attributes:
        merged: the result.
        table, report, page: paths of the table, of the report as JSON and as a web page.
        beside: paths of completed and drawn tables.
        notes: what has to be said with these.

    >>> Written._fields[1:4]
    ('table', 'report', 'page')
    """

    merged: Merged
    table: Path
    report: Path
    page: Path
    beside: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def merge_files(
    paths: Sequence[Path],
    id: str,
    time: str | None,
    output: Path,
    noise: Path | None = None,
    force: bool = False,
    progress: Callable[[str, float], None] | None = None,
    reading: ReadingOptions | None = None,
    complete: int = 0,
    draws: int = 0,
    notice: Callable[[str], None] | None = None,
    **options: Any,
) -> Written:
    r"""Merge the tables in some files; nothing is written unless everything has succeeded.

    Args:
        paths: files, one per source, which is called by the file's name: see
            :func:`ddlib.merge.reading.tables.read_tables <ddlib.merge.reading.tables.read_tables>`.
        id, time: the columns with the patient and the time; None for the time where each patient has one row.
        output: the synthetic table, CSV or Parquet by its ending; the report goes beside it, to ``<name>.report.json`` and
            ``.html``.
        noise: a YAML file with standard deviations of measurement errors.
        force: replace files that exist.
        progress: see :func:`ddlib.merge.merge <ddlib.merge.merging.merge>`.
        reading: how the files are read.
        complete: how many tables of the hospitals' own patients, completed, to write: ``<name>.completed-1.csv`` and so on.
        draws: how many tables of random synthetic patients that carry the estimate's uncertainty: ``<name>.draw-1.csv`` and so on.
        notice: called before the long work with each line about what was read; what :func:`summary` says comes after it.
        options: passed to :func:`ddlib.merge.merge <ddlib.merge.merging.merge>`.

    Raises:
        InputError: if the files or the options cannot be used, or the output cannot be written.

    >>> import tempfile
    >>> rows = "id,time,hb\n1,0,13.0\n1,1,12.0\n2,0,11.0\n2,1,12.5\n3,0,14.0\n3,1,13.5\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tables = [Path(folder) / "north.csv", Path(folder) / "south.csv"]
    ...     _ = [table.write_text(rows) for table in tables]
    ...     merge_files(tables, "id", "time", Path(folder) / "all.csv", rows=10).page.name
    'all.report.html'
    """
    extra = [f"completed-{k}" for k in range(1, complete + 1)] + [f"draw-{k}" for k in range(1, draws + 1)]
    targets = _check_output(output, paths, force, extra)
    _check_distinct(paths)
    drop = options.get("drop", ())
    reading = (reading or ReadingOptions())._replace(drop=(drop,) if isinstance(drop, str) else tuple(drop))
    found = read_tables(paths, id, time, reading)
    read = [*found.notes, *(f"Warning (reading): {text}" for text in found.warned)]

    def say(lines: list[str]) -> None:
        if notice is not None:
            for line in [*read, *lines]:
                notice(line)

    sizes = None if noise is None else _read_noise_file(noise)
    try:
        merged = merge(found.frames, id, time, noise=sizes, progress=progress, notice=say, **options)
        beside = tables_beside(merged, id, named_time(time), complete, draws, seed=options.get("seed", 0))
    except TableError as error:
        raise InputError(str(error)) from None
    about = {"files": [str(path) for path in paths], "reading": {"notes": found.notes, "warned": found.warned}}
    merged = merged._replace(report={**merged.report, **about})
    tables = [merged.table, *(beside.tables[name] for name in extra)]
    stale = [path for path in _beside(output) if path not in targets]
    _write(targets, [table_bytes(table, output) for table in tables], merged.report)
    for path in stale:  # of an earlier merge, whose tables must not be combined with these
        path.unlink(missing_ok=True)
    table, report, page, *others = targets
    return Written(merged, table, report, page, tuple(others), beside.notes)


def _write(targets: list[Path], tables: list[bytes], report: dict[str, Any]) -> None:
    """Write the tables and the reports; if that fails, or is interrupted, leave everything as it was.

    Args:
        targets: of the table, of both reports, and of the tables beside the first one.
        tables: contents, the first one's first.
        report: as it is.
    """
    staged = [target.with_name(f".{target.name}.{os.getpid()}") for target in targets]
    new = [target for target in targets if not target.exists()]
    try:
        write_json(staged[1], report)
        write_atomically(staged[2], report_page(report))
        for path, content in zip([staged[0], *staged[3:]], tables, strict=True):
            write_atomically(path, content)
        with _uninterrupted():
            for path, target in zip(staged, targets, strict=True):
                path.replace(target)
    except BaseException as error:
        for path in [*staged, *new]:
            path.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise InputError(f"{targets[0]} cannot be written ({error.strerror or error}): choose another place with -o") from None


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ignore Ctrl-C for the moment in which the files get their names: they have all been replaced, or none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _beside(output: Path) -> list[Path]:
    """Completed and drawn tables that lie beside an output."""
    name = re.compile(re.escape(output.stem) + r"\.(completed|draw)-\d+" + re.escape(output.suffix))
    return sorted(path for path in output.parent.iterdir() if name.fullmatch(path.name))


def _check_output(output: Path, inputs: Sequence[Path], force: bool, extra: Sequence[str]) -> list[Path]:
    """The paths of the table, of both reports, and of tables beside it, which are called by ``extra``.

    Raises:
        InputError: if the ending is unknown, the folder does not exist or cannot be written to, a file exists and ``force`` is not
            given, or an input would be replaced.
    """
    if output.suffix.lower() not in _ENDINGS:
        raise InputError(f"the output {output} must end in .csv or .parquet")
    folder = output.parent
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}: create it, or choose another place with -o")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"there is no permission to write to the folder {folder}: choose another place with -o")
    targets = [output, output.with_suffix(".report.json"), output.with_suffix(".report.html")]
    targets += [output.with_suffix(f".{name}{output.suffix}") for name in extra]
    stale = [path for path in _beside(output) if path not in targets]
    if stale and not force:
        raise InputError(
            f"{stale[0]} is of an earlier merge to {output.name}: choose another name with -o, or replace all with --force"
        )
    for target in targets:
        if target.is_dir():
            raise InputError(f"{target} is a folder: choose another name with -o")
        if target.exists() and any(path.exists() and path.samefile(target) for path in inputs):
            raise InputError(f"{target} is one of the inputs: choose another name with -o")
        if target.exists() and not force:
            raise InputError(f"{target} exists: choose another name with -o, or replace it with --force")
    return targets


def _check_distinct(paths: Sequence[Path]) -> None:
    """Refuse one file that was given twice, under the same name or by different ways."""
    for number, path in enumerate(paths):
        for other in paths[:number]:
            if other == path:
                raise InputError(f"{path} was given twice: give each table once")
            if other.exists() and path.exists() and path.samefile(other):
                raise InputError(f"{path} is the same file as {other}: give each table once")


def _read_noise_file(path: Path) -> Any:
    """The content of a noise file.

    Raises:
        InputError: if there is no such file, or it is not YAML or empty.
    """
    if not path.is_file():
        raise InputError(f"there is no noise file {path}")
    content = read_yaml(path)
    if content is None:
        raise InputError(f"the noise file {path} is empty: write lines as `hb: 0.4`, or leave out --noise")
    return content


def table_bytes(table: pd.DataFrame, output: Path) -> bytes:
    """A table as the file's content; numbers in CSV keep all their digits.

    Raises:
        InputError: if Parquet is asked for without the package pyarrow.
    """
    if _ENDINGS[output.suffix.lower()] == "csv":
        return table.to_csv(index=False).encode()
    stream = io.BytesIO()
    try:
        table.to_parquet(stream, index=False)
    except ImportError:
        raise InputError(f"{output} is to be a Parquet file, which takes the package pyarrow: install it, or write CSV") from None
    return stream.getvalue()


def summary(written: Written) -> list[str]:
    r"""What the command says at the end: the result, the warnings, where the files are; what was read it has said before.

    >>> import tempfile
    >>> rows = "id,time,hb\n1,0,13.0\n1,1,12.0\n2,0,11.0\n2,1,12.5\n3,0,14.0\n3,1,13.5\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tables = [Path(folder) / name for name in ("a.csv", "b.csv")]
    ...     _ = [table.write_text(rows) for table in tables]
    ...     summary(merge_files(tables, "id", "time", Path(folder) / "all.csv", rows=10))[0].partition(" → ")[0]
    '6 patients of 2 sources, 1 column'
    """
    report = written.merged.report
    model, synthetic = report["model"], report["synthetic"]
    number = synthetic["patients"]
    lines = [
        f"{counted(model['patients'], 'patient')} of {counted(len(report['sources']), 'source')}, "
        f"{counted(len(report['columns']), 'column')} → {counted(number, 'synthetic patient')} with "
        f"{counted(report['visits']['number'], 'visit')}{' each' * (number > 1)}, which {'carry' if number > 1 else 'carries'} the "
        f"merged estimate's {synthetic['carried']}.",
    ]
    lines += in_sentences(report["never_together"])
    lines.append(report["inference"])
    warnings = [warning for warning in report["warnings"] if warning["kind"] not in _TOLD]
    lines += [f"{'Note' if one['kind'] in _NOTES else 'Warning'} ({one['kind']}): {one['text']}" for one in warnings]
    lines += written.notes
    names = [written.report.name, written.page.name, *(path.name for path in written.beside)]
    lines.append(f"Wrote {written.table}, {', '.join(names)}")
    return lines
