"""The command ``ddlib merge``: from files to files."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from ddlib.dbn.tables import Merged, TableError, merge, report_page
from ddlib.study.files import InputError, write_atomically, write_json

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}


class Written(NamedTuple):
    """What a merge leaves behind.

    Attributes:
        merged: the result.
        table, report, page: paths of the table, of the report as JSON and as a web page.
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
    """Merge the tables in some files; nothing is written unless everything has succeeded.

    Args:
        paths: CSV or Parquet files, one per source, which is called by the file's name.
        id, time: the columns with the patient and the time.
        output: the synthetic table, CSV or Parquet by its ending; the report goes beside it, to ``<name>.report.json`` and
            ``.html``.
        noise: a YAML file with standard deviations of measurement errors.
        force: replace files that exist.
        progress: see :func:`ddlib.dbn.merge <ddlib.dbn.tables.merging.merge>`.
        options: passed to :func:`ddlib.dbn.merge <ddlib.dbn.tables.merging.merge>`.

    Raises:
        InputError: if the files or the options cannot be used, or the output cannot be written.
    """
    targets = check_output(output, paths, force)
    frames = {_name(path, paths): read_table(path) for path in paths}
    try:
        merged = merge(frames, id, time, noise=None if noise is None else read_noise_file(noise), progress=progress, **options)
    except TableError as error:
        raise InputError(str(error)) from None
    _write(targets, table_bytes(merged.table, output), {**merged.report, "files": [str(path) for path in paths]})
    return Written(merged, *targets)


def _write(targets: tuple[Path, Path, Path], content: bytes, report: dict[str, Any]) -> None:
    """Write the reports and last the table; if that fails, leave no file that was not there before."""
    new = [target for target in targets if not target.exists()]
    try:
        write_json(targets[1], report)
        write_atomically(targets[2], report_page(report))
        write_atomically(targets[0], content)
    except BaseException as error:
        for target in new:
            target.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise InputError(f"{targets[0]} cannot be written ({error.strerror or error}): choose another place with -o") from None


def check_output(output: Path, inputs: Sequence[Path], force: bool) -> tuple[Path, Path, Path]:
    """The paths of the table and of both reports.

    Raises:
        InputError: if the ending is unknown, the folder does not exist or cannot be written to, a file exists and ``force`` is not
            given, or an input would be replaced.
    """
    if output.suffix.lower() not in ENDINGS:
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
    if sum(other == path for other in paths) > 1:
        raise InputError(f"{path} was given twice: give each table once")
    return str(path)


def read_table(path: Path) -> pd.DataFrame:
    """A table from a CSV or Parquet file.

    Raises:
        InputError: if there is no such file or it is not of its kind.
    """
    import pandas as pd

    kind = ENDINGS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{path} ends neither in .csv nor in .parquet: convert it to one of the two")
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    try:
        if kind == "parquet":
            return pd.read_parquet(path)
        _check_header(path)
        return pd.read_csv(path, encoding="utf-8-sig", low_memory=False)
    except InputError:
        raise
    except ImportError:
        raise InputError(f"{path} is a Parquet file, which takes the package pyarrow: install it, or give CSV files") from None
    except PermissionError:
        raise InputError(f"there is no permission to read {path}") from None
    except pd.errors.EmptyDataError:
        raise InputError(f"{path} is empty: leave it out, or fill it") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not in UTF-8 (byte {error.start}): save it in that encoding") from None
    except pd.errors.ParserError as error:
        detail = str(error).strip().splitlines()[-1].removeprefix("Error tokenizing data. C error: ")
        raise InputError(f"{path} is not a CSV table ({detail}): every line needs the same number of fields") from None
    except Exception as error:  # what pyarrow and the decoders raise has no common base
        detail = " ".join(str(error).split())[:120].rstrip(". ")
        raise InputError(f"{path} cannot be read as {kind} ({type(error).__name__}: {detail}): write it anew") from None


def _check_header(path: Path) -> None:
    """Refuse what pandas would repair in silence: doubled names, and fields that are not separated by commas."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        head = stream.readline()
    names = next(csv.reader([head]), [])
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path} has two columns called {name!r}: rename or drop one of them")
    if len(names) == 1 and (";" in head or "\t" in head):
        raise InputError(f"the fields of {path} are separated by {'semicolons' if ';' in head else 'tabs'}: write commas")


def read_noise_file(path: Path) -> Any:
    """The content of a noise file.

    Raises:
        InputError: if there is no such file, or it is not YAML or empty.
    """
    if not path.is_file():
        raise InputError(f"there is no noise file {path}")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise InputError(f"{path} is not YAML: see its line {line}") from None
    except (UnicodeDecodeError, PermissionError, RecursionError) as error:
        raise InputError(f"the noise file {path} cannot be read ({type(error).__name__}): write it anew") from None
    if content is None:
        raise InputError(f"the noise file {path} is empty: write lines as `hb: 0.4`, or leave out --noise")
    return content


def table_bytes(table: pd.DataFrame, output: Path) -> bytes:
    """A table as the file's content; numbers in CSV keep all their digits.

    Raises:
        InputError: if Parquet is asked for without the package pyarrow.
    """
    if ENDINGS[output.suffix.lower()] == "csv":
        return table.to_csv(index=False).encode()
    stream = io.BytesIO()
    try:
        table.to_parquet(stream, index=False)
    except ImportError:
        raise InputError(f"{output} is to be a Parquet file, which takes the package pyarrow: install it, or write CSV") from None
    return stream.getvalue()


def summary(written: Written) -> list[str]:
    """What the command says at the end: the result, the warnings, where the files are."""
    report = written.merged.report
    model, synthetic, known = report["model"], report["synthetic"], report["identifiability"]
    lines = [
        f"{model['patients']:,} patients of {len(report['sources'])} sources, {len(report['columns'])} columns → "
        f"{synthetic['patients']:,} synthetic patients with {report['visits']['number']} visits each, which carry the merged "
        f"estimate's {synthetic['carried']}."
    ]
    if known["identified"]:
        lines.append(
            f"The records are worth those of {known['effective_patients']:,.0f} patients measured completely and without error."
        )
    pairs = report["never_together"]
    if pairs:
        lines.append(
            f"{len(pairs)} pair{'s' * (len(pairs) > 1)} of columns {'was' if len(pairs) == 1 else 'were'} never measured together."
        )
    lines += [f"Warning ({warning['kind']}): {warning['text']}" for warning in report["warnings"]]
    lines.append(f"Wrote {written.table}, {written.report.name}, {written.page.name}")
    return lines
