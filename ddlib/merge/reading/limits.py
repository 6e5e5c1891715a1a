"""Values beyond a limit of detection, such as ``<0.5``: kept as what they are, replaced by an assumption, or refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ddlib.files import InputError
from ddlib.merge.reading.cells import ReadCells
from ddlib.merge.reading.options import Limits
from ddlib.merge.wording import counted


def settled(
    cells: dict[str, ReadCells], limits: Limits, name: str, row: Callable[[int], str], done: list[str]
) -> dict[str, ReadCells]:
    """Columns whose values beyond limits have been dealt with.

    Args:
        cells: the columns.
        limits: what becomes of such values.
        name: of the file, for messages.
        row: what a row is called there.
        done: what was done is said here.

    Raises:
        InputError: if there are some and they are refused.
    """
    return {column: _settled(found, limits, column, name, row, done) for column, found in cells.items()}


def _settled(cells: ReadCells, limits: Limits, column: str, name: str, row: Callable[[int], str], done: list[str]) -> ReadCells:
    if cells.lower is None or cells.upper is None:
        return cells
    below, above = np.isneginf(cells.lower), np.isposinf(cells.upper)
    count = f"{column!r}: {counted(int((below | above).sum()), 'value')} beyond a limit of detection"
    if limits == "refuse":
        first = int((below | above).argmax())
        limit = f"<{cells.upper[first]:g}" if below[first] else f">{cells.lower[first]:g}"
        raise InputError(
            f"the column {column!r} of {name} holds values beyond a limit of detection ({limit}, {row(first)}): read them as "
            "what they are (--limits keep), take half the limit (half) or the limit (limit) for them, or drop the column (--drop)"
        )
    if limits == "keep":
        ends = [cells.upper[below], cells.lower[above]]
        listed = [f"{sign}{_span(end)}" for sign, end in zip("<>", ends, strict=True) if len(end)]
        done.append(f"{count} ({', '.join(listed)}), read as no more than that")
        return cells
    share = 0.5 if limits == "half" else 1.0
    low = np.where(cells.upper > 0, share, 1.0) * cells.upper
    done.append(f"{count}, taken as {'half the limit' if limits == 'half' else 'the limit'}{_above(limits, above)} (an assumption)")
    return ReadCells(np.where(below, low, np.where(above, cells.lower, cells.values)))


def _above(limits: Limits, above: np.ndarray) -> str:
    return ", and as the limit where they are above it" if limits == "half" and above.any() else ""


def _span(limits: np.ndarray) -> str:
    low, high = limits.min(), limits.max()
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
