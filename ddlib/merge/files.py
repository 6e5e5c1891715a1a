"""The command ``ddlib merge``: from files to files."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ddlib.files import InputError, read_yaml, write_atomically, write_json
from ddlib.merge import Merged, TableError, merge, report_page
from ddlib.merge.csv_header import check_csv, plain_name
from ddlib.merge.wording import counted, worth

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Written", "merge_files", "summary"]

_ENDINGS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}


class Written(NamedTuple):
    """What a merge leaves behind.

    Attributes:
        merged: the result.
        table, report, page: paths of the table, of the report as JSON and as a web page.

    >>> Written._fields
    ('merged', 'table', 'report', 'page')
    """

    merged: Merged
    table: Path
    report: Path
    page: Path


def merge_files(
    paths: Sequence[Path],
    id: str,
    time: str,
    output: Path,
    noise: Path | None = None,
    force: bool = False,
    progress: Callable[[str, float], None] | None = None,
    **options: Any,
) -> Written:
    r"""Merge the tables in some files; nothing is written unless everything has succeeded.

    Args:
        paths: CSV or Parquet files, one per source, which is called by the file's name.
        id, time: the columns with the patient and the time.
        output: the synthetic table, CSV or Parquet by its ending; the report goes beside it, to ``<name>.report.json`` and
            ``.html``.
        noise: a YAML file with standard deviations of measurement errors.
        force: replace files that exist.
        progress: see :func:`ddlib.merge.merge <ddlib.merge.merging.merge>`.
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
    targets = _check_output(output, paths, force)
    _check_distinct(paths)
    frames = {_name(path, paths): read_table(path) for path in paths}
    try:
        merged = merge(frames, id, time, noise=None if noise is None else _read_noise_file(noise), progress=progress, **options)
    except TableError as error:
        raise InputError(str(error)) from None
    _write(targets, table_bytes(merged.table, output), {**merged.report, "files": [str(path) for path in paths]})
    return Written(merged, *targets)


def _write(targets: tuple[Path, Path, Path], content: bytes, report: dict[str, Any]) -> None:
    """Write the table and the reports; if that fails, or is interrupted, leave everything as it was."""
    staged = [target.with_name(f".{target.name}.{os.getpid()}") for target in targets]
    new = [target for target in targets if not target.exists()]
    try:
        write_json(staged[1], report)
        write_atomically(staged[2], report_page(report))
        write_atomically(staged[0], content)
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


def _check_output(output: Path, inputs: Sequence[Path], force: bool) -> tuple[Path, Path, Path]:
    """The paths of the table and of both reports.

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
    targets = (output, output.with_suffix(".report.json"), output.with_suffix(".report.html"))
    for target in targets:
        if target.is_dir():
            raise InputError(f"{target} is a folder: choose another name with -o")
        if target.exists() and any(path.exists() and path.samefile(target) for path in inputs):
            raise InputError(f"{target} is one of the inputs: choose another name with -o")
        if target.exists() and not force:
            raise InputError(f"{target} exists: choose another name with -o, or replace it with --force")
    return targets


def _name(path: Path, paths: Sequence[Path]) -> str:
    """What a file's source is called: the file's name, with its folder where two files have the same."""
    if sum(other.name == path.name for other in paths) == 1:
        return path.name
    return str(path)


def _check_distinct(paths: Sequence[Path]) -> None:
    """Refuse one file that was given twice, under the same name or by different ways."""
    for number, path in enumerate(paths):
        for other in paths[:number]:
            if other == path:
                raise InputError(f"{path} was given twice: give each table once")
            if other.exists() and path.exists() and path.samefile(other):
                raise InputError(f"{path} is the same file as {other}: give each table once")


def read_table(path: Path) -> pd.DataFrame:
    """A table from a CSV or Parquet file.

    Raises:
        InputError: if there is no such file or it is not of its kind.
    """

    kind = _ENDINGS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{path} ends neither in .csv nor in .parquet: convert it to one of the two")
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    try:
        return _read_parquet(path) if kind == "parquet" else _read_csv(path)
    except InputError:
        raise
    except TableError as error:
        raise InputError(str(error)) from None
    except ImportError:
        raise InputError(f"{path} is a Parquet file, which takes the package pyarrow: install it, or give CSV files") from None
    except PermissionError:
        raise InputError(f"there is no permission to read {path}") from None
    except UnicodeDecodeError as error:
        odd = error.object[error.start : error.end].hex()
        raise InputError(f"{path} is not in UTF-8 (it has the byte {odd}): save it in that encoding") from None
    except Exception as error:  # what pyarrow and the decoders raise has no common base
        detail = " ".join(str(error).split())[:120].rstrip(". ")
        raise InputError(f"{path} cannot be read as {kind} ({type(error).__name__}: {detail}): write it anew") from None


def _read_parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    frame = pd.read_parquet(path)
    several = isinstance(frame.columns, pd.MultiIndex)
    return frame if several else frame.set_axis([plain_name(str(name)) for name in frame.columns], axis=1)


def _read_csv(path: Path) -> pd.DataFrame:
    """A table from text that has been checked, so that no row is shifted against the header, cut short or joined to another."""
    import pandas as pd

    names, rows = check_csv(path)
    frame = pd.read_csv(
        path,
        encoding="utf-8-sig",
        low_memory=False,
        index_col=False,
        header=0,
        names=names,
        usecols=range(len(names)),
    )
    if len(frame) != rows:
        raise InputError(f"{path} has {rows} or {len(frame)} rows, by how its quotation marks are read: write it without them")
    return frame


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
    r"""What the command says at the end: the result, the warnings, where the files are.

    >>> import tempfile
    >>> rows = "id,time,hb\n1,0,13.0\n1,1,12.0\n2,0,11.0\n2,1,12.5\n3,0,14.0\n3,1,13.5\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tables = [Path(folder) / name for name in ("a.csv", "b.csv")]
    ...     _ = [table.write_text(rows) for table in tables]
    ...     summary(merge_files(tables, "id", "time", Path(folder) / "all.csv", rows=10))[0].partition(" → ")[0]
    '6 patients of 2 sources, 1 column'
    """
    report = written.merged.report
    model, synthetic, known = report["model"], report["synthetic"], report["identifiability"]
    number = synthetic["patients"]
    lines = [
        f"{counted(model['patients'], 'patient')} of {counted(len(report['sources']), 'source')}, "
        f"{counted(len(report['columns']), 'column')} → {counted(number, 'synthetic patient')} with "
        f"{counted(report['visits']['number'], 'visit')}{' each' * (number > 1)}, which {'carry' if number > 1 else 'carries'} the "
        f"merged estimate's {synthetic['carried']}."
    ]
    if known["identified"]:
        complete = worth(known["effective_patients"])
        lines.append(f"The records are worth those of {complete} measured completely and without error.")
    pairs = report["never_together"]
    if pairs:
        lines.append(f"{counted(len(pairs), 'pair')} of columns {'was' if len(pairs) == 1 else 'were'} never measured together.")
    lines += [f"Warning ({warning['kind']}): {warning['text']}" for warning in report["warnings"]]
    lines.append(f"Wrote {written.table}, {written.report.name}, {written.page.name}")
    return lines
