r"""What if the missing values differ from what the model expects? A shift δ, drawn as a curve.

Records are merged as if cells were missing at random: a missing value is distributed as measured ones are, given all that was
measured of the patient. In the pattern-mixture model (Little 1993; Carpenter and Kenward 2013) it differs from that by
δ, of which the records say nothing. The curve of a result against δ shows how large δ must be before the result changes; nothing is
fitted again, and other columns stay as they were drawn.

- R. J. A. Little, Pattern-mixture models for multivariate incomplete data, Journal of the American Statistical Association 88
  (1993) 125–134.
- J. R. Carpenter, M. G. Kenward, *Multiple Imputation and its Application*, Wiley 2013.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from ddlib.merge.columns import nearest, shown
from ddlib.merge.combining import combine
from ddlib.merge.completion import Completed
from ddlib.merge.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["shifted"]

Statistic = Callable[["pd.DataFrame"], tuple[float, float]]
"""From a table to an estimate and its variance."""


def shifted(
    completed: Completed,
    column: str,
    deltas: Sequence[float] = (-1.0, -0.5, 0.0, 0.5, 1.0),
    statistic: Statistic | None = None,
    *,
    unit: Literal["sd", "own"] = "sd",
    level: float = 0.95,
) -> pd.DataFrame:
    """A result against the shift of one column's missing values.

    Args:
        completed: the completed tables, two or more.
        column: whose drawn cells are shifted.
        deltas: the shifts.
        statistic: from a table to an estimate and its variance; when not given, the mean of the column, patients being
            independent of each other and the rows of a patient not.
        unit: "sd": shifts are in standard deviations of the measured cells; "own": in the column's unit.
        level: of the intervals.

    Returns:
        A table with a row for each shift, with ``delta``, ``estimate``, ``error``, ``df``, ``low``, ``high``.

    Raises:
        TableError: if there is no such column, or nothing of it was drawn.

    >>> import pandas as pd
    >>> drawn = pd.DataFrame({"hb": [False, False, False, True]})
    >>> tables = [pd.DataFrame({"id": [1, 2, 3, 4], "time": 0, "source": "a", "hb": [12.0, 13.0, 14.0, x]}) for x in (12.5, 13.5)]
    >>> shifted(Completed(tables, drawn, ()), "hb", [0.0, 2.0], unit="own").estimate.tolist()
    [13.0, 13.5]
    """
    import pandas as pd

    if column not in completed.drawn.columns:
        raise TableError(f"there is no measured column {shown(column)}: {nearest(str(column), completed.drawn.columns)}")
    cells = completed.drawn[column].to_numpy()
    if not cells.any():
        raise TableError(f"no cell of the column {column!r} was missing, so there is nothing to shift")
    measured = completed.tables[0][column].to_numpy()[~cells]
    size = float(np.std(measured)) if unit == "sd" else 1.0
    rows = []
    for delta in deltas:
        tables = [table.assign(**{column: table[column] + delta * size * cells}) for table in completed.tables]
        results = [_mean(table, column) if statistic is None else statistic(table) for table in tables]
        found = combine([estimate for estimate, _ in results], [variance for _, variance in results], level=level)
        rows.append({"delta": float(delta)} | {name: float(value) for name, value in found._asdict().items()})
    return pd.DataFrame(rows)


def _mean(table: pd.DataFrame, column: str) -> tuple[float, float]:
    """A column's mean and its variance; a patient's rows belong together."""
    keys = [name for name in (table.columns[0], "source") if name in table.columns]
    each = table.groupby(keys, sort=False)[column].mean()
    return float(each.mean()), float(each.var(ddof=1) / len(each))
