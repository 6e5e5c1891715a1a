"""One slip of units, and what the search for slips inside a source and of whole sources share."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from ddlib.merge.checks.modes import robust

POSITIVE = 0.98
"""Share of a column's values that are positive, at least, for factors to be looked for on a logarithmic scale."""
LEAST = math.log(1.7)
"""Logarithm of the least factor that is looked for."""
FEWEST = 10
"""A source with fewer values is not judged."""


class Slip(NamedTuple):
    """Values of one source and column in other units.

    Attributes:
        source, column: their places.
        cells: which values.
        restored: the values as they would be in the units of the rest.
        text: what is said of it.
        whole: whether it is all of the source.
        doubtful: places of the sources that may be the ones in other units instead; empty if a majority tells.
    """

    source: int
    column: int
    cells: Bool[np.ndarray, "n T"]
    restored: Float[np.ndarray, "n T"]
    text: str
    whole: bool
    doubtful: tuple[int, ...] = ()


def seen(values: np.ndarray) -> Float[np.ndarray, " m"]:
    """The values that are there.

    >>> seen(np.array([1.0, np.nan])).tolist()
    [1.0]
    """
    return values[~np.isnan(values)]


def temperature(values: np.ndarray) -> str:
    """In which of two scales a column may be body temperature, if in any."""
    middle, spread = robust(values)
    if 34 < middle < 42 and spread < 2.5:
        return "°C"
    return "°F" if 93 < middle < 108 and spread < 4.5 else ""
