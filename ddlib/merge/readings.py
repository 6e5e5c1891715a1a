"""Ways to read times as visits; :mod:`ddlib.merge.visits` chooses among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ddlib.merge.errors import TableError
from ddlib.merge.grid import put_on_grid
from ddlib.merge.tables import Table
from ddlib.merge.times import days, shown_time
from ddlib.merge.warned import Warned
from ddlib.merge.windows import hills, natural_windows, wide_windows
from ddlib.merge.wording import counted

_LEAST = 3
"""Patients that a visit must have (or half as many as the visit that most have) not to be left out."""
_SCATTER = 0.15
"""Mean distance of times from their visits', in median times between visits, up to which there is a schedule."""


class Rows(NamedTuple):
    """The rows of all sources together, sorted by patient and time; times are numbers."""

    person: Int[np.ndarray, " rows"]
    time: Float[np.ndarray, " rows"]
    since: Float[np.ndarray, " rows"]
    before: Float[np.ndarray, " rows"]
    values: Int[np.ndarray, " rows"]
    gap: float

    def start(self) -> float:
        """A typical time of a first visit."""
        return _middle(self.time[np.isneginf(self.before)])


class Read(NamedTuple):
    """One reading: the visit of each row, the nominal times of the visits, and what is said of it."""

    reading: str
    visit: Int[np.ndarray, " rows"]
    labels: Float[np.ndarray, " T"]
    notes: list[Warned]
    lost: Bool[np.ndarray, " rows"]


def together(tables: Sequence[Table], values: Sequence[np.ndarray]) -> Rows:
    offsets = np.cumsum([0, *(len(table.names) for table in tables)])
    person = np.concatenate([table.patient + offset for table, offset in zip(tables, offsets[:-1], strict=True)])
    time = np.concatenate([days(table.times) for table in tables])
    first = np.diff(person, prepend=-1) != 0
    since = time - time[first][np.cumsum(first) - 1]
    before = np.where(first, -np.inf, np.roll(time, 1))
    gaps = (time - before)[~first]
    return Rows(person, time, since, before, np.concatenate(list(values)), float(np.median(gaps)) if len(gaps) else 1.0)


def one_visit(rows: Rows, reading: str) -> Read | None:
    """The reading where no patient was measured at two times."""
    filled = rows.values > 0
    if np.bincount(rows.person[filled]).max() > 1:
        return None
    times, notes = np.unique(rows.time[filled]), []
    if len(times) > 1:
        if reading == "values":
            raise TableError("no patient was measured at two of the visits: take them for one with --visits auto, or join tables")
        text = f"no patient was measured at two visits, so all {len(times)} different times are taken for one visit."
        notes = [Warned("one visit", text)]
    return Read("one", np.where(filled, 0, -1), np.array([_middle(rows.time[filled])]), notes, np.zeros(len(filled), dtype=bool))


def by_values(rows: Rows, dated: bool, window: float | None, relative: bool, tables: Sequence[Table]) -> Read:
    """A time is a visit; times close together are one."""
    time, before = (
        (rows.since, np.where(np.isneginf(rows.before), -np.inf, rows.since - (rows.time - rows.before)))
        if relative
        else (
            rows.time,
            rows.before,
        )
    )
    distinct, place = np.unique(time, return_inverse=True)
    natural = natural_windows(time, before, rows.gap) if window is None else wide_windows(time, window)
    slot = place if natural is None else natural
    if window is not None:
        _check_alone(rows, slot, dated, window, tables)
    labels = np.array([_middle(part) for part in _parts(time, slot)])
    notes = []
    if relative and not (rows.since == rows.time - rows.time.min()).all():
        notes.append(Warned("own times", "patients' times differ, so time runs from the first visit of each patient."))
    if len(labels) < len(distinct):
        several = [(part.min(), part.max()) for part in _parts(time, slot) if part.min() < part.max()]
        calendar = dated and not relative
        listed = ", ".join(f"{shown_time(low, calendar)} to {shown_time(high, calendar)}" for low, high in several[:4])
        more = " and others" * (len(several) > 4)
        what = "days since the first visit " if dated and relative else ""
        text = f"times close together are one visit: {what}{listed}{more} (--window 0 keeps all apart, --window W joins within W)."
        notes.append(Warned("windows", text))
    kind = "windows" if len(labels) < len(distinct) else "values"
    start = rows.start() if relative else 0.0
    return trim(rows, Read(kind, slot, labels + start, notes, np.zeros(len(slot), dtype=bool)))


def _check_alone(rows: Rows, slot: np.ndarray, dated: bool, window: float, tables: Sequence[Table]) -> None:
    both = (np.diff(rows.person) == 0) & (np.diff(slot) == 0)
    if both.any():
        row = int(both.argmax())
        name = [name for table in tables for name in table.names][rows.person[row]]
        times = " and ".join(shown_time(rows.time[at], dated) for at in (row, row + 1))
        raise TableError(f"the patient {name!r} has rows at the times {times}, in one window of {window:g} (--window): choose less")


def by_hills(rows: Rows, relative: bool) -> Read | None:
    """Times scattered about a schedule; a patient's second row of a visit, the one farther from its nominal time, is left out."""
    time = rows.since if relative else rows.time
    slot = hills(time, rows.gap)
    if slot is None:
        return None
    labels = np.array([_middle(part) for part in _parts(time, slot)])
    off = np.abs(time - labels[slot])
    order = np.lexsort((off, slot, rows.person))
    second = np.zeros(len(slot), dtype=bool)
    second[order[1:]] = (np.diff(rows.person[order]) == 0) & (np.diff(slot[order]) == 0)
    if off.mean() > _SCATTER * rows.gap:
        return None
    since = ", counted from the first visit of each patient" if relative else ""
    text = (
        f"times are scattered about {counted(len(labels), 'visit')}{since}, {off[~second].mean():.3g} off on average "
        "(--visits order numbers each patient's rows instead)."
    )
    notes, start = [Warned("scattered", text)], rows.start() if relative else 0.0
    return trim(rows, Read("windows", np.where(second, -1, slot), labels + start, notes, second))


def by_grid(rows: Rows) -> Read:
    grid = put_on_grid(rows.person, rows.since, rows.gap)
    slots, visit = np.unique(grid.place, return_inverse=True)
    off = float(np.abs(rows.since - grid.place * grid.step).mean())
    moved = f"; {counted(grid.moved, 'row')} went to the next free place" if grid.moved else ""
    text = (
        f"times are irregular, so visits are counted in steps of {grid.step:.4g} from the first of each patient, from "
        f"which times are {off:.3g} off on average{moved} (--visits order numbers each patient's rows instead)."
    )
    nothing = np.zeros(len(visit), dtype=bool)
    return trim(rows, Read("grid", visit, slots * grid.step + rows.start(), [Warned("grid", text)], nothing))


def by_order(rows: Rows) -> Read:
    """A patient's k-th row is visit k; typical times are the medians of the first times, then of the gaps."""
    first = np.isneginf(rows.before)
    rank = np.arange(len(first)) - np.flatnonzero(first)[np.cumsum(first) - 1]
    gap = np.where(first, 0.0, rows.time - rows.before)
    labels = np.cumsum([np.median(part) for part in _parts(gap, rank)]) + rows.start()
    return trim(rows, Read("order", rank, labels, [], np.zeros(len(rank), dtype=bool)))


def trim(rows: Rows, read: Read, only: bool = False) -> Read:
    """Leave out visits that hardly any patient has been measured at, or all but the most frequent one."""
    count = patients_at(rows, read.visit, len(read.labels))
    keep = np.arange(len(count)) == count.argmax() if only else count >= min(_LEAST, np.ceil(count.max() / 2))
    new = np.where(keep, np.cumsum(keep) - 1, -1)
    visit = np.where(read.visit < 0, -1, new[read.visit])
    return read._replace(visit=visit, labels=read.labels[keep], lost=(visit < 0) & (rows.values > 0))


def patients_at(rows: Rows, visit: np.ndarray, number: int) -> Int[np.ndarray, " T"]:
    """How many patients were measured at each visit."""
    return np.bincount(visit[(rows.values > 0) & (visit >= 0)], minlength=number)


def _parts(values: np.ndarray, groups: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(groups, kind="stable")
    return np.split(values[order], np.cumsum(np.bincount(groups))[:-1])


def _middle(values: np.ndarray) -> float:
    """The lower median: a time that occurs."""
    return float(np.sort(values)[(len(values) - 1) // 2])
