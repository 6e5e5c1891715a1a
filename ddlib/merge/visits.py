"""Which row is which visit.

Readings, from the first to the last that is tried:

- *values*: a time is a visit, for all patients; times close together are one (*windows*, :mod:`ddlib.merge.windows`);
- the same with the time since each patient's first visit, where calendar dates, or ages, differ between patients;
- the same two for times that are scattered widely about a schedule;
- *grid*: irregular times go to the places of a grid (:mod:`ddlib.merge.grid`);
- *order*: the k-th row of a patient is visit k.

Visits that hardly anybody has are left out: those of fewer than three patients, or of less than half as many as the visit that
most have, where that is fewer. A reading is taken if it leaves out a tenth of the measured rows at most and, but for the last two,
keeps at most twice as many visits as the longest record has rows; failing that, the one that leaves out least. Of the visits that
are kept, those are reported that at least five patients and 5 % of the patients have (or half as many as the visit that most
have, where that is fewer). Where no patient was measured at two times, there is one visit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from ddlib.merge.errors import TableError
from ddlib.merge.grid import DISTORTED, MOST_STEPS, Steps, whole_steps
from ddlib.merge.people import are_whole
from ddlib.merge.readings import Read, Rows, by_grid, by_hills, by_order, by_values, one_visit, patients_at, together, trim
from ddlib.merge.tables import Table
from ddlib.merge.times import as_dates
from ddlib.merge.warned import Warned
from ddlib.merge.wording import counted

Reading = Literal["auto", "values", "order"]
_REPORTED, _SHARE = 5, 0.05
"""Patients, and the share of all patients, that a visit must have to be reported."""
_LEFT_OUT = 0.1
"""Share of the measured rows that a reading may leave out."""


class VisitIndex(NamedTuple):
    """The visits of all sources.

    Attributes:
        labels: the nominal time of each visit: numbers or dates.
        steps: whole numbers of base steps from each visit to the next.
        unit: the length of a base step, in words.
        reported: which visits enough patients have.
        reading: "values", "windows", "grid", "order", or "one" where there is one visit.
        patient: for each source, the number of the patient of each row.
        visit: for each source, the number of the visit of each row; -1 where it is left out.
        whole_ids: whether every patient's name is a whole number.
        notes: what was noticed.
    """

    labels: np.ndarray
    steps: Int[np.ndarray, " T-1"]
    unit: str
    reported: Bool[np.ndarray, " T"]
    reading: str
    patient: list[Int[np.ndarray, " rows"]]
    visit: list[Int[np.ndarray, " rows"]]
    whole_ids: bool
    notes: list[Warned]

    @property
    def number(self) -> int:
        """The number of visits T."""
        return len(self.labels)


def read_visits(
    tables: Sequence[Table],
    values: Sequence[Int[np.ndarray, " rows"]],
    reading: Reading = "auto",
    window: float | None = None,
    max_visits: int | None = None,
    most: int = 10**9,
) -> VisitIndex:
    """Number the visits of all sources.

    Args:
        tables: of the sources.
        values: how many measurements that may change each row has.
        reading: how times become visits; "auto" tries all ways.
        window: the width of the windows, in days or the unit of the times; found from the times when not given.
        max_visits: report so many visits, the first ones, whatever number of patients has them.
        most: visits that can be handled.

    Raises:
        TableError: if a patient has two rows in one window of the given width, or "values" is asked for where no patient has two
            visits.
    """
    rows, dated = together(tables, values), tables[0].times.dtype.kind == "M"
    read = one_visit(rows, reading) or _choose(rows, dated, reading, window, most, tables)
    labels, notes = read.labels, list(read.notes)
    if read.lost.any():
        notes.append(_left_out(rows, read))
    count = patients_at(rows, read.visit, len(labels))
    needed = min(max(_REPORTED, _SHARE * len(np.unique(rows.person[rows.values > 0]))), count.max() / 2)
    reported = count >= needed if max_visits is None else np.arange(len(labels)) < max_visits
    if not reported.all() and max_visits is None:
        few = f"{counted(int((~reported).sum()), 'visit')} that few patients have {'is' if (~reported).sum() == 1 else 'are'} used"
        notes.append(Warned("few at visits", f"{few}, but not reported (--max-visits {len(labels)} reports all)."))
    steps = whole_steps(np.diff(labels))
    unit = f"{steps.size:.4g} days" if dated else f"{steps.size:.4g}"
    notes += _uneven(steps, unit)
    return VisitIndex(
        labels=as_dates(labels) if dated else labels,
        steps=steps.number,
        unit=unit,
        reported=reported,
        reading=read.reading,
        patient=[table.patient for table in tables],
        visit=np.split(read.visit, np.cumsum([len(table.patient) for table in tables])[:-1]),
        whole_ids=all(are_whole(table.names) for table in tables),
        notes=notes,
    )


def _choose(rows: Rows, dated: bool, reading: Reading, window: float | None, most: int, tables: Sequence[Table]) -> Read:
    filled = int((rows.values > 0).sum())
    found: list[Read] = []
    for read, limit in _readings(rows, dated, reading, window, most, tables):
        if len(read.labels) <= limit or reading != "auto":
            if _lost(read) <= _LEFT_OUT * filled:
                return read
            found.append(read)
    best = min(found or [by_order(rows)], key=_lost)
    kept = (best.visit >= 0) & (rows.values > 0)
    if len(best.labels) > 1 and np.bincount(rows.person[kept]).max() < 2:
        return trim(rows, best, only=True)
    return best


def _readings(
    rows: Rows, dated: bool, reading: Reading, window: float | None, most: int, tables: Sequence[Table]
) -> Iterator[tuple[Read, int]]:
    """The readings in the order in which they are tried, each with the most visits that it may have."""
    shared = min(2 * int(np.bincount(rows.person).max()), most)
    if reading == "order":
        yield by_order(rows), most
        return
    if reading == "auto" and window is not None:
        with contextlib.suppress(
            TableError
        ):  # two rows of a patient in one window of the calendar, but perhaps in none of their own
            yield by_values(rows, dated, window, False, tables), most
        yield by_values(rows, dated, window, True, tables), most
        return
    yield by_values(rows, dated, window, False, tables), shared
    if reading == "auto":
        yield by_values(rows, dated, window, True, tables), shared
        for relative in (False, True):
            read = by_hills(rows, relative)
            if read is not None:
                yield read, shared
        yield by_grid(rows), most
        yield by_order(rows), most


def _lost(read: Read) -> int:
    return int(read.lost.sum())


def _left_out(rows: Rows, read: Read) -> Warned:
    lost, further = read.lost, any(note.kind == "scattered" for note in read.notes)
    values, people = int(rows.values[lost].sum()), len(np.unique(rows.person[lost]))
    text = (
        f"{counted(values, 'measurement')} of {counted(people, 'patient')} {'was' if values == 1 else 'were'} left out: they are "
        f"of visits that hardly any patient has{', or of further rows of a visit' * further}."
    )
    return Warned("left out", text)


def _uneven(steps: Steps, unit: str) -> list[Warned]:
    total = int(steps.number.sum())
    if steps.off <= DISTORTED and total <= MOST_STEPS:
        return []
    text = f"the times between visits are counted as {total:,} whole steps of {unit}, from which one is {steps.off:.0%} off."
    return [Warned("steps", text)]
