"""Tables of several sources as trajectories: checked, sorted into visits, and in units of each column's own spread.

From the tables to the panel: rows as arrays (:mod:`ddlib.merge.tables`), tables of the same patients
(:mod:`ddlib.merge.joining`), columns that do not change (:mod:`ddlib.merge.static`), visits (:mod:`ddlib.merge.visits`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddlib.merge.columns import check_alike, check_frame
from ddlib.merge.errors import TableError
from ddlib.merge.given import check_connected, check_options, measured_columns, named_tables
from ddlib.merge.joining import Join, join_tables, renamed_noise
from ddlib.merge.margins import Cells
from ddlib.merge.noise import check_noise, read_noise
from ddlib.merge.static import check_named, find_static, one_row_each, patient_values
from ddlib.merge.tables import Table, read_tables
from ddlib.merge.variation import check_variation, moments
from ddlib.merge.visits import Reading, VisitIndex, read_visits
from ddlib.merge.warned import Warned

_MOST_ENTRIES = 1500
"""Visits × columns that a patient may have: the joint covariance has the square of it."""


class Panel(NamedTuple):
    """All patients of all sources.

    Attributes:
        columns: the measured variables that change, sorted by name.
        static: those that do not change within a patient, sorted by name.
        order: places of the columns in ``columns`` as they first come in the sources.
        output: all columns, static ones among them, as they first come: the order of the output.
        sources: their names; a joined one is called by both, as "north.csv + labs.csv".
        visits: the visits.
        patients: for each source, the names of its patients in the order of the rows of its values.
        values: for each source, its patients' measurements in the columns' own units; not-a-number where there is no number.
        fixed: likewise its patients' static columns.
        noise: standard deviation of the measurement error of each source and column, in the columns' own units.
        static_noise: likewise of the static columns.
        centre, spread: mean and standard deviation of each column over everything measured; those of a normal law that was
            measured so where cells are beyond a limit of detection.
        static_centre, static_spread: likewise of the static columns, over patients.
        dropped: how many patients were left out because nothing was measured of them.
        warned: what was noticed.
        limits: for each source, the lower and upper ends of cells that lie in an interval, as those beyond a limit of detection do,
            of visits one after the other and then the static columns; infinite where a cell is missing, the number where there is
            one. None if there are no such cells.
    """

    columns: list[str]
    static: list[str]
    order: list[int]
    output: list[str]
    sources: list[str]
    visits: VisitIndex
    patients: list[list[str]]
    values: list[Float[Tensor, "n T p"]]
    fixed: list[Float[Tensor, "n q"]]
    noise: Float[Tensor, "K p"]
    static_noise: Float[Tensor, "K q"]
    centre: Float[Tensor, " p"]
    spread: Float[Tensor, " p"]
    static_centre: Float[Tensor, " q"]
    static_spread: Float[Tensor, " q"]
    dropped: int
    warned: list[Warned]
    limits: list[tuple[Float[Tensor, "n D"], Float[Tensor, "n D"]]] | None = None

    def cells(self, source: int) -> Cells:
        """A source's cells as intervals: of visits one after the other, then the static columns."""
        if self.limits is None:
            return Cells.of(torch.cat([self.values[source].flatten(1), self.fixed[source]], dim=1).numpy())
        lower, upper = self.limits[source]
        return Cells(lower.numpy(), upper.numpy())

    def measured(self, source: int) -> tuple[Bool[Tensor, "n T p"], Bool[Tensor, "n q"]]:
        """Which cells of a source were measured, be it as beyond a limit: of the columns that change, and of the static ones."""
        if self.limits is None:
            return ~self.values[source].isnan(), ~self.fixed[source].isnan()
        known = torch.from_numpy(self.cells(source).known)
        moving = self.values[source].shape[1:].numel()
        return known[:, :moving].view(self.values[source].shape), known[:, moving:]

    def take(self, rows: Sequence[Int[Tensor, " m"]]) -> Panel:
        """Some of each source's patients."""
        limits = self.limits and [(low[kept], high[kept]) for (low, high), kept in zip(self.limits, rows, strict=True)]
        return self._replace(
            patients=[[names[place] for place in kept.tolist()] for names, kept in zip(self.patients, rows, strict=True)],
            values=[values[kept] for values, kept in zip(self.values, rows, strict=True)],
            fixed=[values[kept] for values, kept in zip(self.fixed, rows, strict=True)],
            limits=limits,
        )

    def standard(self, source: int) -> tuple[Float[Tensor, "n T p"], Float[Tensor, " p"]]:
        """A source's measurements and their noise, in units of each column's spread about its centre."""
        return (self.values[source] - self.centre) / self.spread, self.noise[source] / self.spread

    def standard_fixed(self, source: int) -> tuple[Float[Tensor, "n q"], Float[Tensor, " q"]]:
        """Likewise its static columns."""
        return (self.fixed[source] - self.static_centre) / self.static_spread, self.static_noise[source] / self.static_spread


def read_panel(
    frames: Any,
    id: str,
    time: str,
    noise: Any = None,
    drop: Sequence[str] = (),
    reading: Reading = "auto",
    *,
    static: str | Sequence[str] = (),
    window: float | None = None,
    max_visits: int | None = None,
    join: Join = "ask",
) -> Panel:
    """Check the tables and make trajectories of them.

    Args:
        frames: the sources' tables: a mapping from their names, or a sequence.
        id, time: the columns with the patient and the time.
        noise: measurement errors: see :func:`ddlib.merge.noise.read_noise`.
        drop: columns to leave out.
        reading: how times become visits: see :mod:`ddlib.merge.visits`.
        static: columns that do not change within a patient; others are found: see :mod:`ddlib.merge.static`.
        window: rows whose times differ by so much at most, in days or the unit of the times, may be one visit; 0 keeps all apart.
        max_visits: report so many visits.
        join: whether the same id in two tables is the same patient: see :mod:`ddlib.merge.joining`.

    Raises:
        TableError: for anything that cannot be used; the sentence says what and how to mend it.
    """
    static = [static] if isinstance(static, str) else static
    check_options(id, time, static, window, max_visits, join, reading)
    checked = {source: check_frame(frame, source, (id, time)) for source, frame in named_tables(frames).items()}
    check_alike({source: [name for name in frame.columns if name not in drop] for source, frame in checked.items()})
    names = measured_columns(checked, id, time, drop)
    tables, warned = read_tables(checked, id, time, names)
    first = list(dict.fromkeys(name for table in tables.values() for name in table.cells))
    for name in names:
        if name not in first:
            raise TableError(f"the column {name!r} has no measurement in any table: drop it (--drop) or fill it")
    for source, table in tables.items():
        if not table.cells:
            raise TableError(f"{source} has no measurements: leave it out, or give its columns")
    tables, renamed, notes = join_tables(tables, join)
    check_connected({source: set(table.cells) for source, table in tables.items()})
    warned += notes
    check_named(static, tables, first)
    fixed, notes = find_static(tables, first, static)
    if len(fixed) == len(first):
        tables, fixed = {source: one_row_each(table) for source, table in tables.items()}, []
        warned.append(Warned("one visit", "no column changes within a patient, so there is one visit per patient."))
    else:
        warned += notes
    columns = sorted(set(first) - set(fixed))
    has = {source: list(table.cells) for source, table in tables.items()}
    size = read_noise(renamed_noise(noise, renamed), [*columns, *fixed], has, drop)
    visits = _visits(tables, columns, reading, window, max_visits)
    return _panel(tables, columns, fixed, first, size, visits, warned)


def _visits(
    tables: dict[str, Table], columns: list[str], reading: Reading, window: float | None, max_visits: int | None
) -> VisitIndex:
    """The visits, of rows with measurements that change.

    Raises:
        TableError: also if a source has no such row, or a patient would have too many values.
    """
    count = {
        source: sum((table.cells[name].known for name in columns if name in table.cells), np.zeros(len(table.patient), dtype=int))
        for source, table in tables.items()
    }
    for source, values in count.items():
        if not values.any():
            raise TableError(f"{source} has no column that changes within a patient: join it to its patients' table (--join)")
    most = _MOST_ENTRIES // len(columns)
    visits = read_visits(list(tables.values()), list(count.values()), reading, window, max_visits, most)
    if visits.number > most:
        raise TableError(
            f"{visits.number} visits of {len(columns)} columns make {visits.number * len(columns):,} values per patient, more "
            f"than the {_MOST_ENTRIES:,} that can be handled: number visits in order (--visits order), or drop columns"
        )
    return visits


def _panel(
    tables: dict[str, Table],
    columns: list[str],
    static: list[str],
    first: list[str],
    noise: Float[np.ndarray, "K p+q"],
    visits: VisitIndex,
    warned: list[Warned],
) -> Panel:
    sources = list(tables)
    grids = [_grid(table, columns, visits, k) for k, table in enumerate(tables.values())]
    fixed = [_fixed(table, static) for table in tables.values()]
    warned = [
        *warned,
        *check_variation(columns, dict(zip(sources, grids, strict=True)), tables),
        *check_variation(static, dict(zip(sources, fixed, strict=True)), tables),
    ]
    seen = [np.asarray(grid.known.any((1, 2)) | part.known.any(1)) for grid, part in zip(grids, fixed, strict=True)]
    grids, fixed = ([part.take(keep) for part, keep in zip(parts, seen, strict=True)] for parts in (grids, fixed))
    spreads = [np.concatenate([moments([x])[1], moments([y])[1]]) for x, y in zip(grids, fixed, strict=True)]
    check_noise(noise, np.stack(spreads), [*columns, *static], sources)
    (centre, spread), (static_centre, static_spread) = moments(grids), moments(fixed)
    for name, size in zip([*columns, *static], [*spread, *static_spread], strict=True):
        if not size > 0:
            raise TableError(
                f"the column {name!r} has no measurement, or but one value, at the visits that are kept: drop it (--drop)"
            )
    return Panel(
        columns=columns,
        static=static,
        order=[columns.index(name) for name in first if name in columns],
        output=first,
        sources=sources,
        visits=visits,
        patients=[
            [name for name, kept in zip(table.names, keep, strict=True) if kept]
            for table, keep in zip(tables.values(), seen, strict=True)
        ],
        values=[torch.from_numpy(grid.numbers) for grid in grids],
        fixed=[torch.from_numpy(part.numbers) for part in fixed],
        noise=torch.from_numpy(noise[:, : len(columns)].copy()),
        static_noise=torch.from_numpy(noise[:, len(columns) :].copy()),
        centre=torch.from_numpy(centre),
        spread=torch.from_numpy(spread),
        static_centre=torch.from_numpy(static_centre),
        static_spread=torch.from_numpy(static_spread),
        dropped=sum(int((~keep).sum()) for keep in seen),
        warned=[*warned, *visits.notes],
        limits=_limits(grids, fixed),
    )


def _grid(table: Table, columns: list[str], visits: VisitIndex, source: int) -> Cells:
    """A table's columns that change, as (n, T, p) cells."""
    visit = visits.visit[source]
    kept = visit >= 0
    grid = Cells.of(np.full((len(table.names), visits.number, len(columns)), np.nan))
    for place, name in enumerate(columns):
        if name in table.cells:
            for end, cells in zip(grid, table.cells[name], strict=True):
                end[table.patient[kept], visit[kept], place] = cells[kept]
    return grid


def _fixed(table: Table, static: list[str]) -> Cells:
    """A table's static columns, as (n, q) cells."""
    found = Cells.of(np.full((len(table.names), len(static)), np.nan))
    for place, name in enumerate(static):
        found.lower[:, place], found.upper[:, place] = patient_values(table, name)
    return found


def _limits(grids: list[Cells], fixed: list[Cells]) -> list[tuple[Tensor, Tensor]] | None:
    """The ends of all cells of each source's patients, where some lie in intervals."""
    if not any(part.within.any() for part in (*grids, *fixed)):
        return None
    found = []
    for grid, part in zip(grids, fixed, strict=True):
        ends = [np.concatenate([x.reshape(len(x), -1), y], axis=1) for x, y in zip(grid, part, strict=True)]
        found.append((torch.from_numpy(ends[0]), torch.from_numpy(ends[1])))
    return found
