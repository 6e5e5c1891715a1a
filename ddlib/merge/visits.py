"""The time column: which row is which visit.

Two readings. *values*: every distinct time in any source is a visit; a patient without a row at one has missed it. *order*: the
k-th row of a patient in time is visit k. Which one is taken, unless the user says, depends on how many distinct times there are: at
most twice as many as the longest record has rows means a schedule that all share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from jaxtyping import Int

from ddlib.merge.columns import shown
from ddlib.merge.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

_UNLIKELY = '";\t\r\n\ufeff'
"""Marks that stand in a patient's name only where a text file was damaged, so that the row would be another patient's."""
Reading = Literal["auto", "values", "order"]


class VisitIndex(NamedTuple):
    """The visits of all sources.

    Attributes:
        labels: what the output's time column says for each visit: the common times, or typical ones.
        reading: "values" or "order".
        patient: for each source, the number of the patient of each row.
        visit: for each source, the number of the visit of each row.
        whole_ids: whether every patient's name is a whole number.
    """

    labels: np.ndarray
    reading: str
    patient: list[Int[np.ndarray, " rows"]]
    visit: list[Int[np.ndarray, " rows"]]
    whole_ids: bool

    @property
    def number(self) -> int:
        """The number of visits T."""
        return len(self.labels)


def read_visits(frames: dict[str, pd.DataFrame], id: str, time: str, reading: Reading = "auto") -> VisitIndex:
    """Number the visits of all sources.

    Args:
        frames: the sources' tables by name.
        id, time: the columns with the patient and the time.
        reading: how times become visits.

    Raises:
        TableError: if a patient or time is missing or is given twice, times are neither numbers nor ISO dates, the sources mix the
            two, or no patient has two visits.
    """
    import pandas as pd

    patients = {source: _patients(frame[id], source) for source, frame in frames.items()}
    times = {source: _times(frame[time], source) for source, frame in frames.items()}
    dated = {source for source, values in times.items() if values.dtype.kind == "M"}
    if dated and len(dated) < len(times):
        other = next(source for source in times if source not in dated)
        raise TableError(f"the column {time!r} holds dates in {min(dated)} but numbers in {other}: use one of them in all tables")
    for source, values in times.items():
        twice = pd.DataFrame({"patient": patients[source], "time": values}).duplicated().to_numpy()
        if twice.any():
            row = int(twice.argmax())
            who, when = shown(frames[source][id].iloc[row]), shown(frames[source][time].iloc[row])
            raise TableError(f"{source} has the patient {who} twice at the time {when} (again in data row {row + 1}): keep one row")
    longest = max(int(np.bincount(found).max()) for found in patients.values())
    if longest < 2:
        raise TableError("no patient has two visits: how patients change cannot be learned from one visit each")
    distinct = np.unique(np.concatenate(list(times.values())))
    if reading == "values" or (reading == "auto" and len(distinct) <= 2 * longest):
        visit = [np.searchsorted(distinct, values) for values in times.values()]
        return VisitIndex(distinct, "values", list(patients.values()), visit, _whole(frames, id))
    visit = [_rank(patients[source], values) for source, values in times.items()]
    labels = _typical(list(patients.values()), list(times.values()), visit, longest)
    return VisitIndex(labels, "order", list(patients.values()), visit, _whole(frames, id))


def _patients(series: pd.Series, source: str) -> Int[np.ndarray, " rows"]:
    import pandas as pd

    try:
        codes, _ = pd.factorize(series)
    except TypeError:
        raise TableError(
            f"the column {series.name!r} of {source} holds lists or other compound values: name patients plainly"
        ) from None
    if (codes < 0).any():
        raise TableError(
            f"the column {series.name!r} of {source} is empty in data row {int((codes < 0).argmax()) + 1}: name the patient"
        )
    if series.dtype.kind == "O" or pd.api.types.is_string_dtype(series.dtype):
        for row, value in enumerate(series):
            if isinstance(value, str) and any(mark in value for mark in _UNLIKELY):
                raise TableError(
                    f"the column {series.name!r} of {source} holds {shown(value)} in data row {row + 1}: name patients without "
                    "quotation marks, semicolons, tabs, line breaks and byte-order marks"
                )
    return codes


def _times(series: pd.Series, source: str) -> np.ndarray:
    """Times as double-precision numbers or as dates."""
    import pandas as pd

    where = f"the column {series.name!r} of {source}"
    rule = "times are numbers (1, 2, 3.5) or ISO dates (2024-01-31)"
    missing = series.isna().to_numpy()
    if missing.any():
        raise TableError(f"{where} is empty in data row {int(missing.argmax()) + 1}: every row needs its time")
    if pd.api.types.is_bool_dtype(series.dtype) or pd.api.types.is_complex_dtype(series.dtype):
        raise TableError(f"{where} holds {series.dtype} values: {rule}")
    found: np.ndarray | None = None
    if pd.api.types.is_numeric_dtype(series.dtype):
        found = series.to_numpy(dtype=float)
    elif not pd.api.types.is_datetime64_any_dtype(series.dtype):
        try:
            numeric = pd.to_numeric(series)
            found = None if pd.api.types.is_complex_dtype(numeric.dtype) else numeric.to_numpy(dtype=float)
        except (TypeError, ValueError, OverflowError):
            found = None
    if found is not None:
        if not np.isfinite(found).all():
            raise TableError(f"{where} is not finite in data row {int((~np.isfinite(found)).argmax()) + 1}: {rule}")
        return found
    try:
        dates = pd.to_datetime(series, format=None if series.dtype.kind == "M" else "ISO8601", utc=True)
        return dates.dt.tz_convert(None).to_numpy(dtype="datetime64[us]")
    except (TypeError, ValueError, OverflowError, AttributeError):
        raise TableError(f"{where} holds {shown(series.iloc[0])}, for example: {rule}") from None


def _rank(patient: Int[np.ndarray, " rows"], times: np.ndarray) -> Int[np.ndarray, " rows"]:
    """Which of a patient's rows each row is, in time."""
    order = np.lexsort((times, patient))
    sorted_patient = patient[order]
    first = np.searchsorted(sorted_patient, sorted_patient)
    rank = np.empty(len(patient), dtype=int)
    rank[order] = np.arange(len(patient)) - first
    return rank


def _typical(patients: list[np.ndarray], times: list[np.ndarray], visits: list[np.ndarray], number: int) -> np.ndarray:
    """A typical time for each visit: the median first time, then the median steps of those who have both visits."""
    firsts, steps = [], [[] for _ in range(number - 1)]  # type: ignore[var-annotated]
    for patient, time, visit in zip(patients, times, visits, strict=True):
        order = np.lexsort((visit, patient))
        firsts.append(time[order][visit[order] == 0])
        step, to = np.diff(time[order]), visit[order][1:]
        for k in range(1, number):
            steps[k - 1].append(step[to == k])
    start = np.concatenate(firsts)
    dated = start.dtype.kind == "M"
    numeric = start.astype("int64") if dated else start
    gaps = [np.median(np.concatenate(part).astype("int64" if dated else float)) for part in steps]
    labels = np.concatenate([[0.0], np.cumsum(gaps)]) + np.median(numeric)
    return labels.astype("int64").astype("datetime64[us]").astype("datetime64[D]").astype("datetime64[us]") if dated else labels


def _whole(frames: dict[str, pd.DataFrame], id: str) -> bool:
    import pandas as pd

    return all(pd.api.types.is_integer_dtype(frame[id].dtype) for frame in frames.values())
