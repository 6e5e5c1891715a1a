"""Numbers that are written for a missing cell: 0 among weights, −9, 99, 999."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from ddlib.merge.warned import Warned
from ddlib.merge.wording import counted

__all__ = ["code_warning", "missing_code"]

_CODES = (9, 77, 88, 99, 777, 888, 999, 8888, 9999, 88888, 99999, 999999)
"""Numbers that are written for missing, with either sign; 0 is another."""
_FEWEST = 5
"""Distinct other values that it takes to tell."""
_ALONE = 1.5
"""Distance from all other values, in their robust standard deviations, from which a value stands apart."""
_RARE, _FROM_ZERO, _GAPS = 0.1, 0.3, 2.0
"""Zero: the largest share of the cells; the others' least value, at least, in their medians and in their largest low gap."""


def missing_code(values: Float[np.ndarray, " m"]) -> float | None:
    """A number for missing: the largest or the smallest value, apart from all others; or a zero among values far above it.

    A zero is natural in a column that comes near to it, that has many, or whose values are as far apart anyway, such as counts.

    Args:
        values: of one column.

    >>> weights = np.r_[np.linspace(45.0, 110.0, 60), 0.0, 0.0, 0.0]
    >>> missing_code(weights), missing_code(np.repeat([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 9, 9, 9, 9, 9, 9]))
    (0.0, None)
    """
    for code in (values.max(), values.min()):
        others = values[values != code]
        often = len(values) - len(others)
        if len(np.unique(others)) < _FEWEST:
            continue
        low, high = np.quantile(others, [0.25, 0.75])
        alone = min(abs(code - others.max()), abs(code - others.min())) > _ALONE * (high - low) / 1.349
        if code == 0:
            if alone and others.min() > 0 and often <= _RARE * len(values) and _far_above_zero(others):
                return 0.0
        elif (abs(code) in _CODES or code == -1) and alone and _beyond(code, others, often):
            return float(code)
    return None


def _beyond(code: float, others: np.ndarray, often: int) -> bool:
    """Whether a code comes more than once, negative where nothing else is, or positive and well above all others."""
    return bool((often > 1 and code < 0 <= others.min()) or (often > 2 and code > 0 and code > 1.2 * others.max()))


def _far_above_zero(others: np.ndarray) -> bool:
    """Whether positive values end far above zero, for their median and for the gaps in their lower half."""
    distinct = np.unique(others)
    lower = distinct[: max(len(distinct) // 2, 2)]
    return bool(distinct[0] > _FROM_ZERO * np.median(others) and distinct[0] > _GAPS * np.diff(lower).max())


def code_warning(name: str, values: Float[np.ndarray, " m"]) -> Warned | None:
    """What is said of a column with a number for missing.

    Args:
        name: of the column.
        values: its cells.

    >>> code_warning("weight", np.r_[np.linspace(45.0, 110.0, 60), 0.0]).text
    "0 in 1 cell of 'weight', all others 45 or more: is it a code for missing? Then leave that cell empty."
    """
    code = missing_code(values)
    if code is None:
        return None
    others = values[values != code]
    often = len(values) - len(others)
    rest = f"{others.min():.4g} or more" if code < others.min() else f"{others.max():.4g} or less"
    cells = "that cell" if often == 1 else "those cells"
    text = f"{code:g} in {counted(often, 'cell')} of {name!r}, all others {rest}: is it a code for missing? "
    return Warned("extreme values", f"{text}Then leave {cells} empty.", (name,))
