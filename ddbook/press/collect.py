"""The results of many runs as tidy tables, one file for all runs; nothing is averaged, and no digit changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddbook.press.grid import word
from ddlib.files import write_atomically, write_json

if TYPE_CHECKING:  # a wrong command line should not wait for pandas
    import pandas as pd

TABLES = ".tables.json"
"""Which tables were written last."""
NUMBERS = ["name", "value", "low", "high", "n", "unit"]


def collect(folder: Path, runs: Mapping[str, Mapping[str, Any]]) -> list[Path]:
    """Write each table of the runs, and their numbers, to ``<table>.csv`` and ``numbers.csv`` beside them; earlier ones go.

    The first columns say the parameters that the grid varies. Where a table has a column of the same name, the grid's is called
    ``grid_<name>``. A column that some runs do not have is empty for them.

    Args:
        folder: where the folders of the runs are.
        runs: the values of the grid for each finished run, in the order that the tables should have.

    Returns:
        The files.
    """
    import pandas as pd

    tables: dict[str, list[tuple[Mapping[str, Any], pd.DataFrame]]] = {}
    for name, values in runs.items():
        results = folder / name / "results"
        for path in sorted(results.glob("*.csv")):
            if (frame := _read(path)) is not None:
                tables.setdefault(path.stem, []).append((values, frame))
        if (results / "numbers.json").exists():
            tables.setdefault("numbers", []).append((values, _numbers(results / "numbers.json")))
    written = []
    for table, parts in sorted(tables.items()):
        content = pd.concat(_labelled(parts), ignore_index=True).to_csv(index=False)
        write_atomically(folder / f"{table}.csv", content)
        written.append(folder / f"{table}.csv")
    earlier = folder / TABLES
    for name in json.loads(earlier.read_bytes()) if earlier.exists() else []:
        if folder / name not in written:  # no run that has finished records it any more
            (folder / name).unlink(missing_ok=True)
    write_json(earlier, [path.name for path in written])
    return written


def _read(path: Path) -> pd.DataFrame | None:
    """A table as text, cell by cell, so that it is written again as it was; None for one without columns."""
    import pandas as pd

    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except pd.errors.EmptyDataError:
        return None


def _numbers(path: Path) -> pd.DataFrame:
    import pandas as pd

    recorded = json.loads(path.read_text(encoding="utf-8"), parse_float=str, parse_int=str)
    rows = [
        {"name": name, **{key: "" if value is None else value for key, value in number.items()}}
        for name, number in recorded.items()
    ]
    return pd.DataFrame(rows, columns=NUMBERS)


def _labelled(parts: list[tuple[Mapping[str, Any], pd.DataFrame]]) -> list[pd.DataFrame]:
    """The tables with the grid's columns in front, under the same names in all."""
    taken = {column for _, frame in parts for column in frame.columns}
    for values, frame in parts:
        for position, (name, value) in enumerate(values.items()):
            frame.insert(position, f"grid_{name}" if name in taken else name, word(value))
    return [frame for _, frame in parts]
