"""All that the records tell before anything is fitted to them."""

from __future__ import annotations

from ddlib.merge.checks.collinear import collinear
from ddlib.merge.checks.columns import column_warnings
from ddlib.merge.checks.shifts import levels, slopes, spreads
from ddlib.merge.checks.units import unit_warnings
from ddlib.merge.checks.warned import Records
from ddlib.merge.warned import Warned

__all__ = ["before_merge"]


def before_merge(records: Records) -> list[Warned]:
    """What a reader should be warned of before the records are merged.

    Units come first; what comes after looks at the records as they would be without slips of units, so that one cause is told of
    once.

    Args:
        records: the measurements.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> alike = [rng.normal(10, 1, (80, 3, 2)) for _ in range(3)]
    >>> before_merge(Records(["alb", "hb"], ["north", "south", "west"], alike))
    []
    """
    units, records = unit_warnings(records)
    shifts = [*levels(records), *spreads(records), *slopes(records)]
    return [*units, *shifts, *column_warnings(records), *collinear(records)]
