"""The sizes of the measurement errors, as the user gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from ddlib.dbn.tables.columns import nearest, shown
from ddlib.dbn.tables.errors import TableError


def read_noise(noise: Any, columns: list[str], sources: list[str]) -> Float[np.ndarray, "K p"]:
    """Standard deviation of the measurement error of each column in each source; zero where none is given.

    Args:
        noise: column → standard deviation, for all sources; or source → (column → standard deviation), which goes before.
        columns, sources: their names.

    Raises:
        TableError: if it is no such mapping, names an unknown column or source, or a number is negative or not finite.
    """
    found = np.zeros((len(sources), len(columns)))
    if noise is None:
        return found
    if not isinstance(noise, Mapping):
        raise TableError(f"the noise must map columns to standard deviations, as in `hb: 0.4`, but it is {shown(noise)}")
    common = {str(key): value for key, value in noise.items() if not isinstance(value, Mapping)}
    special = {str(key): value for key, value in noise.items() if isinstance(value, Mapping)}
    for column, size in common.items():
        found[:, _place(column, columns, "column")] = _size(size, column)
    for source, sizes in special.items():
        row = _place(source, sources, "table")
        for column, size in sizes.items():
            found[row, _place(str(column), columns, "column")] = _size(size, str(column))
    return found


def _place(name: str, names: list[str], kind: str) -> int:
    if name not in names:
        known = nearest(name, names).replace("it has", "there are")
        raise TableError(f"the noise names {name!r}, but no {kind} is called that: {known}")
    return names.index(name)


def _size(value: Any, column: str) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | np.integer | np.floating)
        or not np.isfinite(value)
        or value < 0
    ):
        raise TableError(f"the noise of {column!r} is {shown(value)}: give a standard deviation, a number of 0 or more")
    return float(value)


def check_noise(noise: Float[np.ndarray, "K p"], spread: Float[np.ndarray, "K p"], columns: list[str], sources: list[str]) -> None:
    """Refuse an error as large as all that was measured.

    Args:
        noise: standard deviations of the errors.
        spread: standard deviations of the measurements; not-a-number where a source lacks a column.
        columns, sources: their names.

    Raises:
        TableError: if an error's standard deviation reaches the measurements'.
    """
    for k, i in np.argwhere(noise >= np.where(np.isnan(spread), np.inf, spread)):
        raise TableError(
            f"the noise of {columns[i]!r} is {noise[k, i]:g}, but its measurements in {sources[k]} have a standard deviation of "
            f"only {spread[k, i]:.3g}: give the error's standard deviation in the column's own unit"
        )
