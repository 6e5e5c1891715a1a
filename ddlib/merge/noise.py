"""The sizes of the measurement errors, as the user gives them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from ddlib.merge.columns import nearest, shown
from ddlib.merge.errors import TableError


def read_noise(
    noise: Any, columns: list[str], measured: Mapping[str, Collection[str]], dropped: Collection[str] = ()
) -> Float[np.ndarray, "K p"]:
    """Standard deviation of the measurement error of each column in each source; zero where none is given.

    Args:
        noise: column → standard deviation, for all sources; or source → (column → standard deviation), which goes before.
        columns: their names.
        measured: the columns that each source has, by its name.
        dropped: columns that were left out, whose noise is of no account.

    Raises:
        TableError: if it is no such mapping, names an unknown column or source, or a column that its table lacks, or a number
            is negative or not finite.
    """
    sources = list(measured)
    found = np.zeros((len(sources), len(columns)))
    if noise is None:
        return found
    if not isinstance(noise, Mapping):
        raise TableError(f"the noise must map columns to standard deviations, as in `hb: 0.4`, but it is {shown(noise)}")
    common = {str(key): value for key, value in noise.items() if not isinstance(value, Mapping) and str(key) not in dropped}
    special = {str(key): value for key, value in noise.items() if isinstance(value, Mapping)}
    for column, size in common.items():
        found[:, _place(column, columns, "column")] = _size(size, column)
    for source, sizes in special.items():
        row = _place(source, sources, "table")
        for column, size in sizes.items():
            if str(column) in dropped:
                continue
            place = _place(str(column), columns, "column")
            if str(column) not in measured[source]:
                raise TableError(
                    f"the noise of {str(column)!r} is given for {source}, which has no measurement of it: remove that line, or "
                    "give it for another table"
                )
            found[row, place] = _size(size, str(column))
    return found


def _place(name: str, names: list[str], kind: str) -> int:
    if name not in names:
        known = nearest(name, names).replace("it has", "there are")
        raise TableError(f"the noise names {name!r}, but no {kind} is called that: {known}")
    return names.index(name)


def _size(value: Any, column: str) -> float:
    try:  # YAML takes 1e-3 for text, because it has no decimal point
        number = -1.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = -1.0
    if not 0 <= number < float("inf"):
        raise TableError(f"the noise of {column!r} is {shown(value)}: give a standard deviation, a number of 0 or more")
    return number


def check_noise(noise: Float[np.ndarray, "K p"], spread: Float[np.ndarray, "K p"], columns: list[str], sources: list[str]) -> None:
    """Refuse an error as large as all that was measured.

    Args:
        noise: standard deviations of the errors.
        spread: standard deviations of the measurements; not-a-number where a source lacks a column.
        columns, sources: their names.

    Raises:
        TableError: if an error's standard deviation reaches the measurements'.
    """
    for k, i in np.argwhere((noise > 0) & (noise >= np.where(np.isnan(spread), np.inf, spread))):
        raise TableError(
            f"the noise of {columns[i]!r} is {noise[k, i]:g}, but its measurements in {sources[k]} have a standard deviation of "
            f"only {spread[k, i]:.3g}: give the error's standard deviation in the column's own unit"
        )
