"""Files of every format, as other programs export them."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyreadstat
from pyreadstat import _readstat_writer


def text(frame: pd.DataFrame, separator: str = ",", decimal: str = ".", missing: str = "") -> str:
    """A table as text; columns of text stay as they are."""
    stream = io.StringIO()
    frame.to_csv(stream, index=False, sep=separator, decimal=decimal, na_rep=missing, lineterminator="\n")
    return stream.getvalue()


def write_text(separator: str = ",", decimal: str = ".", encoding: str = "utf-8") -> Callable[[pd.DataFrame, Path], object]:
    """What writes a table as such a text."""
    return lambda frame, path: path.write_bytes(text(frame, separator, decimal).encode(encoding))


def write_sas(frame: pd.DataFrame, path: Path) -> None:
    """A sas7bdat file, by the C library inside pyreadstat, whose Python side only reads them."""
    library, pointer, content = ctypes.CDLL(_readstat_writer.__file__), ctypes.c_void_p, bytearray()

    def call(name: str, *arguments: object, result: object = ctypes.c_int) -> object:
        function = getattr(library, f"readstat_{name}")
        function.restype = result
        return function(*arguments)

    @ctypes.CFUNCTYPE(ctypes.c_ssize_t, pointer, ctypes.c_size_t, pointer)
    def taken(data: int, size: int, _: object) -> int:
        content.extend(ctypes.string_at(data, size))
        return size

    writer = pointer(call("writer_init", result=pointer))
    call("set_data_writer", writer, taken)
    variables = []
    for name in frame.columns:
        words = frame[name].dtype.kind not in "iuf"
        kind, width = (0, 40) if words else (5, 8)
        made = call("add_variable", writer, name.encode(), kind, ctypes.c_size_t(width), result=pointer)
        variables.append((words, pointer(made)))
    assert call("begin_writing_sas7bdat", writer, None, ctypes.c_long(len(frame))) == 0
    for row in frame.itertuples(index=False):
        call("begin_row", writer)
        for value, (words, variable) in zip(row, variables, strict=True):
            if value is None or value != value:
                call("insert_missing_value", writer, variable)
            elif words:
                call("insert_string_value", writer, variable, str(value).encode())
            else:
                call("insert_double_value", writer, variable, ctypes.c_double(value))
        call("end_row", writer)
    assert call("end_writing", writer) == 0
    call("writer_free", writer, result=None)
    path.write_bytes(content)


WRITERS: dict[str, tuple[str, Callable[[pd.DataFrame, Path], object]]] = {
    "commas": (".csv", write_text()),
    "semicolons": (".csv", write_text(";", ",", "latin-1")),
    "tabs": (".tsv", write_text("\t", ",", "utf-16")),
    "bars": (".txt", write_text("|", ".", "utf-8-sig")),
    "excel": (".xlsx", lambda frame, path: frame.to_excel(path, index=False)),
    "parquet": (".parquet", lambda frame, path: frame.to_parquet(path)),
    "transport": (".xpt", lambda frame, path: pyreadstat.write_xport(frame, str(path))),
    "sas": (".sas7bdat", write_sas),
    "spss": (".sav", lambda frame, path: pyreadstat.write_sav(frame, str(path))),
    "stata": (".dta", lambda frame, path: pyreadstat.write_dta(frame, str(path))),
}
"""By a word for the format: the file's ending, and what writes a table."""
