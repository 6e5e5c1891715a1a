"""What the user gives to a merge: tables with names, and options; refused before any long work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ddlib.merge.columns import shown
from ddlib.merge.errors import TableError


def seeded(seed: Any) -> torch.Generator:
    """A generator with a seed.

    Raises:
        TableError: if the seed is no whole number of 0 or more.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise TableError(f"the seed must be a whole number of 0 or more, but it is {shown(seed)}")
    return torch.Generator().manual_seed(int(seed))


def named_tables(frames: Any) -> dict[str, Any]:
    """The sources' tables by name.

    Raises:
        TableError: if there are fewer than two, or they are not given as a mapping or a sequence.
    """
    if isinstance(frames, Mapping):
        found = {str(name): frame for name, frame in frames.items()}
    elif isinstance(frames, Sequence) and not isinstance(frames, str):
        found = {f"source {number}": frame for number, frame in enumerate(frames, start=1)}
    else:
        raise TableError(
            f"the tables must be a list, or a mapping from names, of DataFrames, but they are a {type(frames).__name__}"
        )
    if len(found) < 2 or len(found) < len(frames):
        raise TableError(
            f"a merge needs at least 2 tables with different names, but there is {len(found)}: give one for each source"
        )
    return found


def check_options(id: Any, time: Any, static: Any, window: Any, max_visits: Any, join: Any, reading: Any) -> None:
    if not (isinstance(id, str) and isinstance(time, str)) or id == time:
        raise TableError(f"the patient and the time must be two different columns, but they are {shown(id)} and {shown(time)}")
    if reading not in ("auto", "values", "order"):
        raise TableError(f"visits are read by 'auto', 'values' or 'order', but the choice is {shown(reading)}")
    if not isinstance(static, list | tuple):
        raise TableError(f"the static columns must be a list of names, but they are {shown(static)}")
    for name in (id, time):
        if name in static:
            raise TableError(f"the column {name!r} cannot be static: it names the patient or the time")
    if window is not None and (isinstance(window, bool) or not isinstance(window, int | float) or not 0 <= window < float("inf")):
        raise TableError(
            f"the window (--window) must be a number of 0 or more, in days or the unit of the times, but it is {shown(window)}"
        )
    if window is not None and reading == "order":
        raise TableError("a window (--window) is of no account where rows are numbered (--visits order): leave out one of the two")
    whole = isinstance(max_visits, int | np.integer) and not isinstance(max_visits, bool)
    if max_visits is not None and not (whole and max_visits >= 1):
        raise TableError(f"the number of visits (--max-visits) must be a whole number of 1 or more, but it is {shown(max_visits)}")
    if join not in ("ask", "patients", "never"):
        raise TableError(f"tables are joined by 'ask', 'patients' or 'never', but the choice is {shown(join)}")


def measured_columns(tables: dict[str, Any], id: str, time: str, drop: Sequence[str]) -> list[str]:
    """The columns of measurements, in the order in which they first come."""
    everything = list(dict.fromkeys(name for frame in tables.values() for name in frame.columns))
    for name in (id, time):
        if name in drop:
            raise TableError(f"the column {name!r} cannot be dropped: it names the patient or the time")
    for name in drop:
        if name not in everything:
            raise TableError(f"no table has a column {shown(name)} to drop: they have {', '.join(map(repr, everything))}")
    names = [name for name in everything if name not in (id, time) and name not in drop]
    if not names:
        raise TableError("the tables have no columns of measurements: there is nothing to merge")
    return names


def check_connected(measured: dict[str, set[str]]) -> None:
    """Refuse sources that share no column, directly or through others, with the rest."""
    (start, reached), *rest = measured.items()
    left = dict(rest)
    while near := [source for source, columns in left.items() if columns & reached]:
        reached = reached.union(*(left.pop(source) for source in near))
    if left:
        raise TableError(
            f"{next(iter(left))} has no numeric column in common with "
            f"{start}{' or the tables that go with it' if len(measured) > 2 else ''}: "
            "tables can be merged through common columns only, so rename those that mean the "
            "same, or join tables of the same patients (--join)"
        )
