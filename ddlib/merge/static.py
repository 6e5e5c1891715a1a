"""Columns that do not change within a patient, such as sex or age at entry.

A column is found to be static if

- no patient has two different values of it, at least three have several, and chance would hardly do the same: if a patient's
  further values were drawn like the first ones of all, none would differ with a probability below 1/1000;
- or it was measured once and at the first visit, in at least 90 % of the patients with several visits who have it (at least
  three), and no patient has two different values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from ddlib.merge.columns import nearest, shown
from ddlib.merge.errors import TableError
from ddlib.merge.margins.margin import Cells
from ddlib.merge.tables import Table, make_table
from ddlib.merge.warned import Warned

_FEWEST = 3
_AT_FIRST = 0.9
_CHANCE = 1e-3
_ODD = 0.02
"""Share of patients in whom a column may change that is called nearly static."""
_SAME = 1e-9
"""Values that differ by a smaller share are the same."""


class _Column(NamedTuple):
    """The measurements of one column in all sources, sorted by patient and time."""

    person: Int[np.ndarray, " n"]
    cells: Cells
    own: Cells
    first_visit: Bool[np.ndarray, " n"]
    several: Bool[np.ndarray, " n"]

    def changed(self) -> Bool[np.ndarray, " n"]:
        """Which cells contradict what is else known of their patient: the first number, or the intersection of the intervals."""
        apart = np.maximum(self.cells.lower - self.own.upper, self.own.lower - self.cells.upper)
        ends = np.abs([*self.cells, *self.own])
        return apart > _SAME * np.where(np.isfinite(ends), ends, 0.0).max(0)

    def take(self, rows: np.ndarray) -> _Column:
        """Some of the measurements."""
        return _Column(self.person[rows], self.cells.take(rows), self.own.take(rows), self.first_visit[rows], self.several[rows])


def check_named(static: Sequence[str], tables: Mapping[str, Table], columns: Sequence[str]) -> None:
    """Refuse static columns that are unknown or do change.

    Raises:
        TableError: naming the first patient in whom a column changes.
    """
    for name in static:
        if name not in columns:
            raise TableError(
                f"the static columns (--static) name {shown(name)}: {nearest(str(name), columns).replace('it has', 'there are')}"
            )
        for source, table in tables.items():
            if name not in table.cells:
                continue
            column = _column({source: table}, name)
            changed = column.changed()
            if changed.any():
                at = int(changed.argmax())
                raise TableError(
                    f"the column {name!r} is named as static (--static) but changes within the patient "
                    f"{table.names[column.person[at]]!r} of {source} ({column.own.told(at)}, then {column.cells.told(at)}): "
                    "correct it, or leave it out of --static"
                )


def find_static(tables: Mapping[str, Table], columns: Sequence[str], named: Sequence[str] = ()) -> tuple[list[str], list[Warned]]:
    """The static columns, sorted, and what is said of those that were found.

    Args:
        tables: of the sources.
        columns: all columns of measurements.
        named: those that are static because the user says so (:func:`check_named`).
    """
    again = any(len(np.unique(table.patient[table.measured()])) < table.measured().sum() for table in tables.values())
    fixed, early, notes = [], [], []
    for name in columns:
        if name in named:
            continue
        column = _column(tables, name)
        if column.changed().any():
            notes += _nearly(tables, name, column)
        elif _never_changes(column):
            fixed.append(name)
        elif again and _at_first_visit(column):
            early.append(name)
    notes += [
        Warned(
            "static", f"{', '.join(map(repr, names))} {why}, so {'it is' if len(names) == 1 else 'they are'} one value per patient."
        )
        for names, why in (
            (fixed, f"never change{'s' * (len(fixed) == 1)} within a patient"),
            (early, f"{'was' if len(early) == 1 else 'were'} measured at the first visit only"),
        )
        if names
    ]
    return sorted([*fixed, *early, *named]), notes


def _nearly(tables: Mapping[str, Table], name: str, column: _Column) -> list[Warned]:
    """Say of a column that it changes in next to no patient, which is a slip more often than a change."""
    odd = np.unique(column.person[column.changed()])
    people = np.unique(column.person)
    rest = column.take(~np.isin(column.person, odd))
    if len(odd) > max(1, _ODD * len(people)) or not len(rest.person) or not (_never_changes(rest) or _at_first_visit(rest)):
        return []
    names = [patient for table in tables.values() for patient in table.names]
    at = int(column.changed().argmax())
    text = (
        f"{name!r} changes in {len(odd)} of {len(people)} patients only ({names[odd[0]]!r}: {column.own.told(at)}, then "
        f"{column.cells.told(at)}), so it is taken for a column that changes, which few records show: correct that, and it is one "
        "value per patient."
    )
    return [Warned("nearly static", text, (name,))]


def _column(tables: Mapping[str, Table], name: str) -> _Column:
    parts, offset = [], 0
    for table in tables.values():
        if name in table.cells:
            rows = np.flatnonzero(table.measured())
            patient, cells = table.patient[rows], table.cells[name].take(rows)
            visits = np.bincount(patient, minlength=len(table.names))
            start = np.diff(patient, prepend=-1) != 0
            seen, several = cells.known, visits[patient] > 1
            parts.append((patient[seen] + offset, cells.lower[seen], cells.upper[seen], start[seen], several[seen]))
        offset += len(table.names)
    person, lower, upper, first_visit, several = (np.concatenate(part) for part in zip(*parts, strict=True))
    cells = Cells(lower, upper)
    own = _each(person, cells).take(np.cumsum(np.diff(person, prepend=-1) != 0) - 1)
    return _Column(person, cells, own, first_visit, several)


def _each(person: Int[np.ndarray, " n"], cells: Cells) -> Cells:
    """What sorted cells say of each person: the first number where there is one, else the intersection of the intervals."""
    start = np.flatnonzero(np.diff(person, prepend=-1) != 0)
    if not len(start):
        return cells
    lower, upper = np.maximum.reduceat(cells.lower, start), np.minimum.reduceat(cells.upper, start)
    last = np.append(start[1:], len(person))
    number = np.minimum.reduceat(np.where(cells.exact, np.arange(len(person)), len(person)), start)
    exact = number < last
    first = cells.lower[np.minimum(number, len(person) - 1)]
    return Cells(np.where(exact, first, lower), np.where(exact, first, upper))


def _never_changes(column: _Column) -> bool:
    exact = column.cells.exact
    people, counts = np.unique(column.person[exact], return_counts=True)
    if (counts > 1).sum() < _FEWEST:
        return False
    firsts = column.cells.lower[exact][np.diff(column.person[exact], prepend=-1) != 0]
    number = np.unique(firsts, return_counts=True)[1]
    alike = (number * (number - 1)).sum() / (len(people) * (len(people) - 1))  # of two patients, both have the same value
    return bool(alike ** (counts - 1).sum() <= _CHANCE)


def _at_first_visit(column: _Column) -> bool:
    keep = column.several if column.several.any() else np.ones_like(column.several)
    if not column.several.any() and len(np.unique(column.person)) < len(column.person):
        return False
    people, start, counts = np.unique(column.person[keep], return_index=True, return_counts=True)
    if len(people) < _FEWEST:
        return False
    return bool(((counts == 1) & column.first_visit[keep][start]).mean() >= _AT_FIRST)


def patient_values(table: Table, name: str) -> Cells:
    """What is known of each patient's value in a static column."""
    found = Cells.of(np.full(len(table.names), np.nan))
    if name in table.cells:
        cells = table.cells[name]
        seen = cells.known
        who = np.unique(table.patient[seen])
        found.lower[who], found.upper[who] = _each(table.patient[seen], cells.take(seen))
    return found


def one_row_each(table: Table) -> Table:
    """The table with one row per patient, for columns that are all static."""
    start = np.diff(table.patient, prepend=-1) != 0
    return make_table(table.names, table.times[start], {name: patient_values(table, name) for name in table.cells})
