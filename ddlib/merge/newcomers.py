"""Patients who were not in the merge, placed on its visits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.merge.columns import check_frame, nearest, shown
from ddlib.merge.errors import TableError
from ddlib.merge.latent import Limits
from ddlib.merge.layout import visit_labels
from ddlib.merge.margins import Cells
from ddlib.merge.measurements import measurements
from ddlib.merge.panel import Panel
from ddlib.merge.people import in_order, read_ids
from ddlib.merge.static import patient_values
from ddlib.merge.tables import Table
from ddlib.merge.times import days, read_times

if TYPE_CHECKING:
    import pandas as pd

_WHERE = "the table"
"""What the newcomers' table is called in messages."""


class Newcomers(NamedTuple):
    """Patients on the reported visits.

    Attributes:
        names: of the patients.
        values: their measurements in the columns' own units: the reported visits one after the other, then the static columns;
            not-a-number where there is no number.
        patient, visit: of each row of their table.
        limits: ends of all these cells, where some lie in intervals.
    """

    names: list[str]
    values: Float[Tensor, "n E"]
    patient: Int[np.ndarray, " rows"]
    visit: Int[np.ndarray, " rows"]
    limits: Limits | None = None


def read_newcomers(panel: Panel, frame: Any, id: str, time: str) -> Newcomers:
    """Read a table of patients, of whom a row is a visit.

    A row is of the reported visit whose nominal time is nearest to its own, at most half as far as the next visit is; where the
    merge numbered rows in order, a patient's k-th row is visit k.

    Args:
        panel: of the merge.
        frame: with the id and time columns, and some of the panel's columns.
        id, time: names of these columns; the time may be lacking where the merge has one visit.

    Raises:
        TableError: if the table cannot be read, a row is of no reported visit, or two rows of a patient are of one, a column is
            unknown, or a static column changes within a patient.
    """
    if panel.visits.reading == "one" and hasattr(frame, "columns") and time not in frame.columns:
        frame = frame.assign(**{time: 1})
    frame = check_frame(frame, _WHERE, (id, time))
    measured = [name for name in frame.columns if name not in (id, time)]
    for name in measured:
        if name not in panel.output:
            raise TableError(f"{_WHERE} has a column {name!r} that no table of the merge had: {nearest(name, panel.output)}")
    who = read_ids(frame[id], _WHERE)
    names = in_order(who)
    number_of = {name: place for place, name in enumerate(names)}
    patient = np.array([number_of[name] for name in who], dtype=int)
    visit = _visits(panel, frame, time, patient)
    _check_once(frame, time, who, patient, visit)
    p, number = len(panel.columns), int(panel.visits.reported.sum())
    found = Cells.of(np.full((len(names), number * p + len(panel.static)), np.nan))
    for name in measured:
        cells = measurements(frame[name], _WHERE)
        if name in panel.columns:
            place: Any = (patient, visit * p + panel.columns.index(name))
        else:
            cells, place = _one_each(name, cells, patient, names), np.s_[:, number * p + panel.static.index(name)]
        found.lower[place], found.upper[place] = cells
    limits = (torch.from_numpy(found.lower), torch.from_numpy(found.upper)) if found.within.any() else None
    return Newcomers(names, torch.from_numpy(found.numbers), patient, visit, limits)


def _visits(panel: Panel, frame: pd.DataFrame, time: str, patient: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    """The number, among the reported visits, of each row's visit."""
    number = int(panel.visits.reported.sum())
    if panel.visits.reading == "one":
        return np.zeros(len(frame), dtype=int)
    times = read_times({_WHERE: frame[time]})[0][_WHERE]
    if panel.visits.reading == "order":
        order = np.lexsort((times, patient))
        begins = np.searchsorted(patient[order], patient[order])
        visit = np.empty(len(frame), dtype=int)
        visit[order] = np.arange(len(frame)) - begins
        kept = np.flatnonzero(panel.visits.reported)
        if not np.isin(visit, kept).all():
            raise TableError(
                f"{_WHERE} has a patient with more visits than the {number} that the merge reports: keep the first ones"
            )
        return np.searchsorted(kept, visit)
    labels = visit_labels(panel)
    if times.dtype.kind == "M" and labels.dtype.kind != "M":  # the merge counted days from each patient's first visit
        since = days(times)
        first = np.full(patient.max() + 1, np.inf)
        np.minimum.at(first, patient, since)
        when, nominal = since - first[patient], labels.astype(float)
    elif times.dtype.kind != "M" and labels.dtype.kind == "M":
        raise TableError(f"the times of {_WHERE} are numbers, but those of the merge are dates: give dates")
    else:
        when, nominal = days(times), days(labels) if labels.dtype.kind == "M" else labels.astype(float)
    distance = np.abs(when[:, None] - nominal)
    visit = distance.argmin(1)
    gaps = np.abs(nominal[:, None] - nominal) + np.diag(np.full(number, np.inf))
    far = distance.min(1) > gaps.min(1)[visit] / 2
    if far.any():
        row = int(far.argmax())
        raise TableError(
            f"the time {shown(frame[time].iloc[row])} of {_WHERE} (data row {row + 1}) is not near any reported visit: they are at "
            f"{', '.join(map(str, labels))}"
        )
    return visit


def _check_once(frame: pd.DataFrame, time: str, who: np.ndarray, patient: np.ndarray, visit: np.ndarray) -> None:
    place = patient * (visit.max() + 1) + visit
    _, first, count = np.unique(place, return_index=True, return_counts=True)
    if (count > 1).any():
        row = int(first[count > 1][0])
        raise TableError(
            f"{_WHERE} has two rows of the patient {shown(who[row])} at the visit of time {shown(frame[time].iloc[row])}: keep one"
        )


def _one_each(name: str, cells: Cells, patient: np.ndarray, names: list[str]) -> Cells:
    """What is known of each patient's value in a static column."""
    order = np.argsort(patient, kind="stable")
    found = patient_values(Table(names, patient[order], order, {name: cells.take(order)}), name)
    own = found.take(patient)
    changes = (cells.lower > own.upper) | (cells.upper < own.lower)
    if changes.any():
        who = names[patient[int(changes.argmax())]]
        raise TableError(f"the column {name!r} of {_WHERE} changes within the patient {shown(who)}, but is static in the merge")
    return found
