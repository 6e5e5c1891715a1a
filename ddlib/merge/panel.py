"""Tables of several sources as trajectories: checked, sorted into visits, and in units of each column's own spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.merge.columns import check_alike, check_frame, check_spread, numbers, shown
from ddlib.merge.errors import TableError
from ddlib.merge.noise import check_noise, read_noise
from ddlib.merge.visits import Reading, VisitIndex, read_visits

_MOST_ENTRIES = 1500
"""VisitIndex × columns that a patient may have: the joint covariance has the square of it."""


class Panel(NamedTuple):
    """All patients of all sources.

    Attributes:
        columns: the measured variables, sorted by name.
        order: places of the columns in ``columns`` as they first come in the sources: the order of the output.
        sources: their names.
        visits: the visits.
        values: for each source, its patients' measurements in the columns' own units; not-a-number where missing.
        noise: standard deviation of the measurement error of each source and column, in the columns' own units.
        centre, spread: mean and standard deviation of each column over everything measured.
        dropped: how many patients were left out because nothing was measured of them.
    """

    columns: list[str]
    order: list[int]
    sources: list[str]
    visits: VisitIndex
    values: list[Float[Tensor, "n T p"]]
    noise: Float[Tensor, "K p"]
    centre: Float[Tensor, " p"]
    spread: Float[Tensor, " p"]
    dropped: int

    def standard(self, source: int) -> tuple[Float[Tensor, "n T p"], Float[Tensor, " p"]]:
        """A source's measurements and their noise, in units of each column's spread about its centre."""
        return (self.values[source] - self.centre) / self.spread, self.noise[source] / self.spread


def _named(frames: Any) -> dict[str, Any]:
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


def read_panel(frames: Any, id: str, time: str, noise: Any = None, drop: Sequence[str] = (), reading: Reading = "auto") -> Panel:
    """Check the tables and make trajectories of them.

    Args:
        frames: the sources' tables: a mapping from their names, or a sequence. The same id in two tables is two patients.
        id, time: the columns with the patient and the time.
        noise: measurement errors: see :func:`ddlib.merge.noise.read_noise`.
        drop: columns to leave out.
        reading: how times become visits: see :mod:`ddlib.merge.visits`.

    Raises:
        TableError: for anything that cannot be used; the sentence says what and how to mend it.
    """
    if not (isinstance(id, str) and isinstance(time, str)) or id == time:
        raise TableError(f"the patient and the time must be two different columns, but they are {shown(id)} and {shown(time)}")
    tables = {source: check_frame(frame, source, (id, time)) for source, frame in _named(frames).items()}
    check_alike({source: [name for name in frame.columns if name not in drop] for source, frame in tables.items()})
    names = _measured(tables, id, time, drop)
    cells = {
        source: {name: numbers(frame[name], source) for name in frame.columns if name in names} for source, frame in tables.items()
    }
    cells = {source: {name: found for name, found in part.items() if not np.isnan(found).all()} for source, part in cells.items()}
    first = list(dict.fromkeys(name for part in cells.values() for name in part))
    for name in names:
        if name not in first:
            raise TableError(f"the column {name!r} has no measurement in any table: drop it (--drop) or fill it")
    for source, part in cells.items():
        for name, found in part.items():
            check_spread(found, name, source)
    _check_connected({source: set(part) for source, part in cells.items()})
    columns, sources = sorted(first), list(tables)
    size = read_noise(noise, columns, cells, drop)
    visits = read_visits(tables, id, time, reading)
    if visits.number * len(columns) > _MOST_ENTRIES:
        raise TableError(
            f"{visits.number} visits of {len(columns)} columns are {visits.number * len(columns):,} values per patient, more "
            "than the "
            f"{_MOST_ENTRIES:,} that can be handled: number visits in order (--visits order), keep fewer visits, or drop columns"
        )
    grids = [_grid(cells[source], columns, visits, k) for k, source in enumerate(sources)]
    values = [grid[~np.isnan(grid).all((1, 2))] for grid in grids]
    _check_transitions(values)
    check_noise(size, np.stack([_spread(grid) for grid in grids]), columns, sources)
    everything = np.concatenate([grid.reshape(-1, len(columns)) for grid in values])
    centre = np.nanmean(everything, axis=0)
    spread = np.sqrt(np.nanmean((everything - centre) ** 2, axis=0))
    return Panel(
        columns=columns,
        order=[columns.index(name) for name in first],
        sources=sources,
        visits=visits,
        values=[torch.from_numpy(grid) for grid in values],
        noise=torch.from_numpy(size),
        centre=torch.from_numpy(centre),
        spread=torch.from_numpy(spread),
        dropped=sum(len(grid) for grid in grids) - sum(len(grid) for grid in values),
    )


def _measured(tables: dict[str, Any], id: str, time: str, drop: Sequence[str]) -> list[str]:
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


def _check_connected(measured: dict[str, set[str]]) -> None:
    """Refuse sources that share no column, directly or through others, with the rest."""
    for source, columns in measured.items():
        if not columns:
            raise TableError(f"{source} has no measurements: leave it out, or give its columns")
    (start, reached), *rest = measured.items()
    left = dict(rest)
    while near := [source for source, columns in left.items() if columns & reached]:
        reached = reached.union(*(left.pop(source) for source in near))
    if left:
        raise TableError(
            f"{next(iter(left))} has no numeric column in common with "
            f"{start}{' or the tables that go with it' if len(measured) > 2 else ''}: "
            "tables can be merged through common columns only, so rename those that mean the same"
        )


def _grid(cells: dict[str, np.ndarray], columns: list[str], visits: VisitIndex, source: int) -> np.ndarray:
    patient, visit = visits.patient[source], visits.visit[source]
    grid = np.full((patient.max() + 1, visits.number, len(columns)), np.nan)
    for place, name in enumerate(columns):
        if name in cells:
            grid[patient, visit, place] = cells[name]
    return grid


def _spread(grid: np.ndarray) -> np.ndarray:
    """The standard deviation of each column; not-a-number where it is not measured."""
    seen = ~np.isnan(grid)
    count = np.where(seen.any((0, 1)), seen.sum((0, 1)), np.nan)
    mean = np.nansum(grid, axis=(0, 1)) / count
    return np.sqrt(np.nansum((grid - mean) ** 2, axis=(0, 1)) / count)


def _check_transitions(values: list[np.ndarray]) -> None:
    if not any(((~np.isnan(grid)).any(-1).sum(-1) > 1).any() for grid in values):
        raise TableError("no patient was measured at two visits: how patients change cannot be learned from one visit each")
