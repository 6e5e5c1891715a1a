"""The tables that the command ``ddlib merge`` writes beside the exact one, if it is asked to: ``--complete M``, ``--draws M``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ddlib.merge.completion import completed_tables, drawn_tables
from ddlib.merge.merging import Merged
from ddlib.merge.posterior import CERTAIN

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Beside", "tables_beside"]


class Beside(NamedTuple):
    """Tables beside the exact one.

    Attributes:
        tables: by what comes between the output's name and its ending: ``completed-1``, …, ``draw-1``, …
        notes: what has to be said with them.

    >>> Beside._fields
    ('tables', 'notes')
    """

    tables: dict[str, pd.DataFrame]
    notes: tuple[str, ...]


def tables_beside(
    merged: Merged, id: str, time: str, complete: int = 0, draws: int = 0, rows: int | None = None, seed: int = 0
) -> Beside:
    """The completed and the drawn tables of a merge.

    Args:
        merged: the merge.
        id, time: names of the columns with the patient and the time.
        complete: how many times the hospitals' own patients are completed; 0 for not at all.
        draws: how many tables of random synthetic patients that carry the estimate's uncertainty.
        rows: patients in each of the latter; as many as the records have when not given.
        seed: of the draws.

    Raises:
        TableError: if a number is negative, or there is a column called ``source``.

    >>> import pandas as pd
    >>> from ddlib.merge import merge
    >>> north = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "time": [0, 1] * 3, "hb": [13.0, 12.0, 11.0, None, 14.0, 13.5]})
    >>> merged = merge({"north": north, "south": north.assign(hb=north.hb + 0.5)}, "id", "time", join="never")
    >>> sorted(tables_beside(merged, "id", "time", complete=2, draws=1).tables)
    ['completed-1', 'completed-2', 'draw-1']
    """
    found: dict[str, pd.DataFrame] = {}
    notes: list[str] = []
    if complete:
        done = completed_tables(merged.panel, merged.estimate, id, time, complete, seed)
        found |= {f"completed-{place}": table for place, table in enumerate(done.tables, start=1)}
        notes += done.notes
    if draws:
        drawn = drawn_tables(merged.panel, merged.estimate, id, time, draws, rows, seed)
        found |= {f"draw-{place}": table for place, table in enumerate(drawn, start=1)}
        if merged.estimate.information is None:
            notes.append(CERTAIN)
    return Beside(found, tuple(dict.fromkeys(notes)))
