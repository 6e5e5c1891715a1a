"""The tables of the sources as arrays: who, when, what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from ddlib.merge.columns import shown
from ddlib.merge.errors import TableError
from ddlib.merge.margins.margin import Cells
from ddlib.merge.measurements import measurements
from ddlib.merge.people import in_order, read_ids
from ddlib.merge.times import read_times
from ddlib.merge.warned import Warned

if TYPE_CHECKING:
    import pandas as pd


class Table(NamedTuple):
    """The rows of one source, sorted by patient and time.

    Attributes:
        names: of its patients, sorted.
        patient: the number of the patient of each row.
        times: of each row: numbers or dates.
        cells: the measurements in each column, as intervals.
    """

    names: list[str]
    patient: Int[np.ndarray, " rows"]
    times: np.ndarray
    cells: dict[str, Cells]

    def measured(self) -> Bool[np.ndarray, " rows"]:
        """Which rows have a measurement."""
        found = np.zeros(len(self.patient), dtype=bool)
        for cells in self.cells.values():
            found |= cells.known
        return found

    def take(self, rows: np.ndarray) -> Table:
        """Some of the rows, for the same patients."""
        return Table(
            self.names, self.patient[rows], self.times[rows], {name: cells.take(rows) for name, cells in self.cells.items()}
        )


def make_table(ids: Sequence[str] | np.ndarray, times: np.ndarray, cells: Mapping[str, Cells]) -> Table:
    """Sort rows, whatever order they come in."""
    names = in_order(ids)
    number = {name: place for place, name in enumerate(names)}
    patient = np.array([number[name] for name in ids], dtype=int)
    order = np.lexsort((times, patient))
    return Table(names, patient, times, dict(cells)).take(order)


def read_tables(
    frames: Mapping[str, pd.DataFrame], id: str, time: str, names: Sequence[str]
) -> tuple[dict[str, Table], list[Warned]]:
    """Read the tables of all sources.

    Args:
        frames: by the sources' names.
        id, time: the columns with the patient and the time.
        names: the columns of measurements.

    Returns:
        The tables, without columns that nothing was measured in, and what was noticed.

    Raises:
        TableError: if a patient, a time or a measurement cannot be read, or a patient has two rows of one time.
    """
    import pandas as pd

    cells = {
        source: {name: measurements(frame[name], source) for name in frame.columns if name in names}
        for source, frame in frames.items()
    }
    ids = {source: read_ids(frame[id], source) for source, frame in frames.items()}
    times, notes = read_times({source: frame[time] for source, frame in frames.items()})
    for source, frame in frames.items():
        twice = pd.DataFrame({"patient": ids[source], "time": times[source]}).duplicated().to_numpy()
        if twice.any():
            row = int(twice.argmax())
            who, when = shown(frame[id].iloc[row]), shown(frame[time].iloc[row])
            raise TableError(f"{source} has the patient {who} twice at the time {when} (again in data row {row + 1}): keep one row")
    found = {
        source: make_table(ids[source], times[source], {name: x for name, x in part.items() if x.known.any()})
        for source, part in cells.items()
    }
    return found, notes
