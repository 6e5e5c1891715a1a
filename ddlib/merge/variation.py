"""How much columns vary: mean and standard deviation of what was measured, and what is refused because it does not vary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from ddlib.merge.errors import TableError
from ddlib.merge.margins import Cells, is_category
from ddlib.merge.margins.censored import normal_moments
from ddlib.merge.tables import Table
from ddlib.merge.warned import Warned
from ddlib.merge.wording import counted, listed

_LEAST_SPREAD = 1e-9
"""A standard deviation below this share of the largest magnitude is rounding."""
_MOSTLY = 0.5
"""Share of a column's measurements beyond limits above which a reader is warned."""


def moments(cells: Sequence[Cells]) -> tuple[Float[np.ndarray, " c"], Float[np.ndarray, " c"]]:
    """Mean and standard deviation (divisor n) of each column; not-a-number where there are none.

    Args:
        cells: with columns last, of several sources.

    >>> moments([Cells.of([[1.0, 5.0], [3.0, 5.0]])])
    (array([2., 5.]), array([1., 0.]))
    """
    width = cells[0].lower.shape[-1]
    lower, upper = (
        np.concatenate([end.reshape(end.size // max(width, 1), width) for end in ends]) for ends in zip(*cells, strict=True)
    )
    whole = Cells(lower, upper)
    rows = whole.numbers
    count = np.where(whole.exact.any(0), whole.exact.sum(0), np.nan)
    mean = np.nansum(rows, axis=0) / count
    deviation = np.sqrt(np.nansum((rows - mean) ** 2, axis=0) / count)
    for place in np.flatnonzero(whole.within.any(0) & (deviation > 0)):
        mean[place], deviation[place] = normal_moments(whole.take(np.s_[:, place]))
    return mean, deviation


def check_variation(names: Sequence[str], cells: Mapping[str, Cells], tables: Mapping[str, Table]) -> list[Warned]:
    """Refuse columns that do not vary, and say which are constant in a source or mostly beyond a limit of detection.

    A category may be the same in all patients of a source, as sex is on a ward; a number that never varies there is a slip more
    often than not.

    Args:
        names: of the columns.
        cells: of each source, at the visits that are kept, with columns last.
        tables: of the sources.

    Raises:
        TableError: if a column does not vary in a source, or as a whole.
    """
    warned = []
    for place, name in enumerate(names):
        parts = {source: part.take(np.s_[..., place]) for source, part in cells.items()}
        for source, part in parts.items():
            if not part.known.any() and name in tables[source].cells:
                raise TableError(
                    f"the column {name!r} of {source} was measured only at visits that hardly any patient has: drop it from this "
                    "table, or number visits in order (--visits order)"
                )
        parts = {source: part for source, part in parts.items() if part.known.any()}
        if parts:
            warned += _check_column(name, parts)
    return warned


def _check_column(name: str, parts: Mapping[str, Cells]) -> list[Warned]:
    whole = Cells(*(np.concatenate([end.ravel() for end in ends]) for ends in zip(*parts.values(), strict=True)))
    constant = {source: float(part.lower[part.exact][0]) for source, part in parts.items() if _is_constant(part)}
    if constant and (len(constant) == len(parts) or not is_category(whole)):
        source, value = next(iter(constant.items()))
        number = int(parts[source].known.sum())
        count = "its only measurement is" if number == 1 else f"all {number} measurements are"
        alike = len(constant) == len(parts) > 1 and len(set(constant.values())) > 1 and is_category(whole)
        everywhere = ", and so it is in every table that has it" if alike else ""
        cure = "drop it (--drop)" if alike else "drop it from this table"
        raise TableError(f"the column {name!r} of {source} is constant ({count} {value:g}){everywhere}: {cure}")
    return [*_constant(name, constant), *_beyond(name, whole), *_no_number(name, parts)]


def _is_constant(cells: Cells) -> bool:
    numbers = cells.lower[cells.exact]
    return not cells.within.any() and bool(np.std(numbers) <= _LEAST_SPREAD * np.abs(numbers).max())


def _constant(name: str, constant: Mapping[str, float]) -> list[Warned]:
    if not constant:
        return []
    where = listed([f"{value:g} in all patients of {source}" for source, value in constant.items()], 4)
    text = (
        f"{name!r} is {where}: how it goes with other columns is told by the other tables alone, and how far "
        f"{'this one is' if len(constant) == 1 else 'these are'} from them is hardly told."
    )
    return [Warned("constant", text, (name,), tuple(constant))]


def _beyond(name: str, cells: Cells) -> list[Warned]:
    """Refuse a column that has no two numbers beside what is beyond limits; warn where most of it is."""
    within, known = int(cells.within.sum()), int(cells.known.sum())
    if not within:
        return []
    values = np.unique(cells.lower[cells.exact])
    if len(values) < 2:
        told = f"the only number in {name!r} is {values[0]:g}, and" if len(values) else f"there is no number in {name!r}:"
        beyond = f"{counted(within, 'measurement')} {'is' if within == 1 else 'are'} beyond a limit of detection"
        raise TableError(f"{told} {beyond}: drop the column (--drop)")
    warned = _unlikely(name, cells, values)
    if within <= _MOSTLY * known:
        return warned
    text = (
        f"{within / known:.0%} of the measurements of {name!r} are beyond a limit of detection: its mean and spread rest on the "
        "shape of its law there, which no record shows."
    )
    return [*warned, Warned("beyond limits", text, (name,))]


def _unlikely(name: str, cells: Cells, values: Float[np.ndarray, " m"]) -> list[Warned]:
    """Say where a limit is below zero, or above a hundred, and no number is."""
    below = (cells.within & (cells.upper <= 0)).sum() if values[0] >= 0 else 0
    above = (cells.within & (cells.lower >= 100)).sum() if values[0] >= 0 and 50 < values[-1] <= 100 else 0
    return [
        Warned(
            "beyond limits",
            f"{counted(int(number), 'cell')} of {name!r} {'says' if number == 1 else 'say'} that it is {where}, where no number "
            "of it is: if that cannot be, mend the cell, or synthetic values will be there too.",
            (name,),
        )
        for number, where in ((below, "below 0"), (above, "above 100"))
        if number
    ]


def _no_number(name: str, parts: Mapping[str, Cells]) -> list[Warned]:
    """Say where nothing is known of a column but limits."""
    empty = [source for source, part in parts.items() if not part.exact.any()]
    if not empty:
        return []
    text = f"there is no number in {name!r} of {listed(empty, 4)}, only limits: how far it is from the other tables is hardly told."
    return [Warned("beyond limits", text, (name,), tuple(empty))]
