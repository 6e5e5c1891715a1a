"""A column of a table as cells: numbers, values beyond a limit of detection such as ``<0.5``, and missing ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ddlib.merge.columns import LARGEST, numbers
from ddlib.merge.errors import TableError
from ddlib.merge.margins.margin import Cells

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["measurements", "written"]

_LIMIT = re.compile(r"\s*(<=|>=|<|>|≤|≥)\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*")
"""The sign and the limit, with a decimal point."""


def measurements(series: pd.Series, source: str) -> Cells:
    """A column's cells as intervals.

    ``<0.5`` excludes the limit itself, ``<=0.5`` or ``≤0.5`` does not.

    Args:
        series: numbers, and texts that are numbers or limits.
        source: what its table is called.

    Raises:
        TableError: if it holds other text, dates or anything else that is no finite number.

    >>> import pandas as pd
    >>> cells = measurements(pd.Series([2.0, "<=0.5", None], name="crp"), "north")
    >>> cells.lower, cells.upper
    (array([  2., -inf, -inf]), array([2. , 0.5, inf]))
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(series.dtype) or series.dtype.kind in "bmM":
        return Cells.of(numbers(series, source))
    objects = series.astype(object)
    found = {row: limit for row, value in enumerate(objects) if isinstance(value, str) and (limit := _LIMIT.fullmatch(value))}
    rows = list(found)
    objects.iloc[rows] = None
    cells = Cells.of(numbers(objects, source))
    for row, limit in found.items():
        sign, bound = limit[1], float(limit[2])
        if not abs(bound) <= LARGEST:
            raise TableError(f"the column {series.name!r} of {source} has the limit {limit[0]!r} in data row {row + 1}: mend it")
        below, strict = sign[0] in "<≤", sign in "<>"
        end = np.nextafter(bound, -np.inf if below else np.inf) if strict else bound
        (cells.upper if below else cells.lower)[row] = end
    return cells


def written(limit: float, below: bool, strict: bool) -> str:
    """A limit as a table has it, with all its digits.

    >>> written(0.5, below=True, strict=True), written(200.0, below=False, strict=False)
    ('<0.5', '>=200.0')
    """
    return f"{'<' if below else '>'}{'' if strict else '='}{float(limit)!r}"
